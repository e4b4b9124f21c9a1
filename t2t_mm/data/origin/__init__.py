"""What prepared data was made from: recorded beside it, and compared with what is there now."""
