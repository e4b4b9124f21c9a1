"""Modalities, one folder each."""
