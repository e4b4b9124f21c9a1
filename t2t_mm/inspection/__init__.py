"""Shows examples of a problem as a person wants to see them, and how long they are."""
