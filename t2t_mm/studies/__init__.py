"""Experiments: arms that are ordinary runs, repeated over seeds, and what they tell apart."""
