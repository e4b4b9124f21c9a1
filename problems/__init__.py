"""The catalogue of problems, one file a family; the registry loads every file at its first
look-up."""
