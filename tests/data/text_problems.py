"""Problems on small line-aligned text, for tests of preparation."""

from t2t_mm.data import prepare
from t2t_mm.modalities.language.spec import Language
from t2t_mm.problem.base import Problem

WORDS = Language(vocab="words", size=280)


def write(raw, name, languages=("en", "de"), n=30):
    folder = raw / name
    folder.mkdir(parents=True)
    for split, first in (("train", 0), ("validation", n)):
        for language in languages:
            (folder / f"{split}.{language}").write_text(
                "".join(f"{name} {language} {first + i}\n" for i in range(n))
            )


def own(name, **attributes):
    """A problem of ours on parallel text."""
    return type(
        name,
        (Problem,),
        {
            "__doc__": "Of ours.",
            "name": name,
            "raw_layout": "parallel_text",
            "inputs": WORDS,
            "targets": WORDS,
            "input_key": "en",
            "target_key": "de",
            **attributes,
        },
    )()


def run(problems, tmp_path, raw="raw"):
    said = []
    prepare.prepare(problems, tmp_path / "data", raw and tmp_path / raw, log=said.append)
    return said
