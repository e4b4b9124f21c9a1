"""The catalogue of hyperparameter sets and modifiers; the registry loads every file at its first
look-up."""
