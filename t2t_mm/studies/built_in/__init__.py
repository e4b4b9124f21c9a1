"""The studies of the paper, and those that its readers ask for."""
