"""SavedModels of trained models."""

from t2t_mm.quiet import import_tensorflow

import_tensorflow()

from t2t_mm.export.saving import export, size  # noqa: E402

__all__ = ["export", "size"]
