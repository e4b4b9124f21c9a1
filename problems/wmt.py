"""Translation between English, German and French: WMT's corpora, or your own line-aligned text."""

from t2t_mm import registry
from t2t_mm.modalities.language.spec import Language
from t2t_mm.problem.base import Problem, Source

WMT14 = "https://www.statmt.org/wmt14/translation-task.html"
WMT19 = "https://www.statmt.org/wmt19/translation-task.html"
RESEARCH = "free for research"


class Translation(Problem):
    """From one language to another; the paper's language problems share the vocabulary."""

    raw_layout = "parallel_text"
    inputs = Language(vocab="wmt_8k")
    targets = Language(vocab="wmt_8k")
    metrics = ("bleu", "chrf")


@registry.register_problem
class WmtEnde(Translation):
    """English to German (WMT 2014)."""

    dataset = "wmt14_translate/de-en"
    raw_folder = "wmt_ende"
    source = Source(WMT14, RESEARCH, "1.7 GB")
    input_key, target_key = "en", "de"
    input_command, command = "to-english", "to-german"


@registry.register_problem
class WmtDeen(Translation):
    """German to English (WMT 2014)."""

    dataset = "wmt14_translate/de-en"
    raw_folder = "wmt_ende"
    source = Source(WMT14, RESEARCH, "1.7 GB")
    input_key, target_key = "de", "en"
    input_command, command = "to-german", "to-english"


@registry.register_problem
class WmtEnfr(Translation):
    """English to French (WMT 2014)."""

    dataset = "wmt14_translate/fr-en"
    raw_folder = "wmt_enfr"
    source = Source(WMT14, RESEARCH, "6.2 GB")
    input_key, target_key = "en", "fr"
    input_command, command = "to-english", "to-french"


@registry.register_problem
class WmtFren(Translation):
    """French to English (WMT 2014)."""

    dataset = "wmt14_translate/fr-en"
    raw_folder = "wmt_enfr"
    source = Source(WMT14, RESEARCH, "6.2 GB")
    input_key, target_key = "fr", "en"
    input_command, command = "to-french", "to-english"


@registry.register_problem
class WmtDefr(Translation):
    """German to French (WMT 2019)."""

    dataset = "wmt19_translate/fr-de"
    raw_folder = "wmt_defr"
    source = Source(WMT19, RESEARCH, "0.8 GB")
    input_key, target_key = "de", "fr"
    input_command, command = "to-german", "to-french"


@registry.register_problem
class WmtFrde(Translation):
    """French to German (WMT 2019)."""

    dataset = "wmt19_translate/fr-de"
    raw_folder = "wmt_defr"
    source = Source(WMT19, RESEARCH, "0.8 GB")
    input_key, target_key = "fr", "de"
    input_command, command = "to-french", "to-german"
