"""Translation of TED talks: small and free, for a start."""

from t2t_mm import registry
from t2t_mm.modalities.language.spec import Language
from t2t_mm.problem.base import Problem, Source


class TedTalks(Problem):
    """From another language to English."""

    targets = Language(vocab="ted_8k")
    inputs = Language(vocab="ted_8k")
    target_key = "en"
    command = "to-english"
    metrics = ("bleu", "chrf")
    source = Source(
        "https://github.com/neulab/word-embeddings-for-nmt", "CC BY-NC-ND 4.0", "131 MB"
    )


@registry.register_problem
class TedPten(TedTalks):
    """Portuguese to English (TED talks, 52,000 pairs)."""

    dataset = "ted_hrlr_translate/pt_to_en"
    input_key, input_command = "pt", "to-portuguese"


@registry.register_problem
class TedRuen(TedTalks):
    """Russian to English (TED talks, 208,000 pairs)."""

    dataset = "ted_hrlr_translate/ru_to_en"
    input_key, input_command = "ru", "to-russian"
