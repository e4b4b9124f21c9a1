"""SavedModels of trained models."""

from t2t_mm.export.saving import export, size

__all__ = ["export", "size"]
