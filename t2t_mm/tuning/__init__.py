"""Searching for good hyperparameters: a range, and trials that are ordinary runs."""
