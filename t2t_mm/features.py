"""The modalities under the module's former name, which users' files import."""

from t2t_mm.modalities.audio.spec import Audio
from t2t_mm.modalities.base import Modality
from t2t_mm.modalities.categorical.spec import Categorical
from t2t_mm.modalities.image.spec import Image
from t2t_mm.modalities.language.spec import Language

__all__ = ["Audio", "Categorical", "Modality", "Image", "Language"]
