"""Data sets: reading what people have on disk, writing it as TFDS data sets, and batching it."""
