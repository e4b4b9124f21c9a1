"""The catalogue of problems, one file per family; the registry loads them all when first asked."""
