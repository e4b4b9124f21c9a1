"""Sets of classes."""
