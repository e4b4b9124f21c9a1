"""Several inputs, each by its name."""
