"""Readers of the layouts in which people have data on disk, one file per layout."""
