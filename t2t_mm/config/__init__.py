"""The configuration of a run: its hyperparameters and its options."""
