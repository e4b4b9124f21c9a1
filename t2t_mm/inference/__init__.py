"""A trained model in a program: what it answers, and how that came about."""
