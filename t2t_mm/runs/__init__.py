"""The output directory of a run: records, checkpoints, weights."""
