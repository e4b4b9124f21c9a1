"""The modalities under the module's former name, which users' files import."""

from t2t_mm.modalities.specs import Audio, Categorical, Feature, Image, Language

__all__ = ["Audio", "Categorical", "Feature", "Image", "Language"]
