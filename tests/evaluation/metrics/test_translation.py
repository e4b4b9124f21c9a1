"""BLEU and chrF against sacrebleu's command line, and its library where the command line can't
go."""

import random
import subprocess
import sys

import pytest
import sacrebleu
from sacrebleu.metrics import BLEU, CHRF

from t2t_mm.registry import metric

TEXT = (
    'the cat\'s sat on a mat, 3.5 % of U.S. dogs (all) — ärgert sich: «quoi» well-known "end" '
    "&amp; $5"
)
WORDS = TEXT.split()


def corpus(seed, examples, references):
    """Noisy copies of random sentences, some of them empty."""
    rng = random.Random(seed)

    def noisy(words):
        kept = [
            rng.choice(WORDS) if rng.random() < 0.1 else word
            for word in words
            if rng.random() < 0.9
        ]
        return " ".join(kept)

    truths = [rng.choices(WORDS, k=rng.choice([0, 3, 8, 30])) for _ in range(examples)]
    return [noisy(words) for words in truths], [
        [noisy(words) for _ in range(references)] for words in truths
    ]


@pytest.mark.parametrize("references", [1, 3])
def test_sacrebleus_command_line_gives_the_same_to_the_last_digit(tmp_path, references):
    hypotheses, several = corpus(references, 200, references)
    files = [tmp_path / name for name in ("hypotheses", *map(str, range(references)))]
    for file, lines in zip(files, [hypotheses, *zip(*several, strict=True)], strict=True):
        file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    line = [
        sys.executable,
        "-m",
        "sacrebleu",
        *files[1:],
        "-i",
        files[0],
        "-m",
        "bleu",
        "chrf",
        "-w",
        "14",
    ]
    done = subprocess.run(
        [*line, "-f", "text"], capture_output=True, text=True, timeout=60, check=True
    )
    for name, theirs in zip(("bleu", "chrf"), done.stdout.splitlines(), strict=True):
        ours = metric(name).score(hypotheses, several)
        assert f"|{ours.signature} = {ours.value:.14f}" in theirs
        assert 10 < ours.value < 90


@pytest.mark.parametrize("name, judge", [("bleu", BLEU(force=True)), ("chrf", CHRF())])
def test_examples_with_more_references_than_others(name, judge):
    hypotheses, several = corpus(5, 50, 3)
    ragged = [list(refs[: 1 + i % 3]) for i, refs in enumerate(several)]
    columns = [[refs[i] if i < len(refs) else None for refs in ragged] for i in range(3)]
    ours = metric(name).score(hypotheses, ragged)
    assert ours.value == judge.corpus_score(hypotheses, columns).score
    assert ours.signature == str(judge.get_signature()) and ours.signature.startswith("nrefs:var")


def test_the_interval_is_about_sacrebleus():
    """Theirs is the half width about the mean of resamples that are drawn otherwise."""
    hypotheses, several = corpus(9, 300, 1)
    theirs = BLEU(force=True).corpus_score(
        hypotheses, [[refs[0] for refs in several]], n_bootstrap=1000
    )
    low, high = metric("bleu").score(hypotheses, several, bootstrap=1000).interval
    assert (high - low) / 2 == pytest.approx(theirs._ci, rel=0.15)
    assert (high + low) / 2 == pytest.approx(theirs._mean, abs=theirs._ci / 5)


def test_details_are_those_of_bleu():
    found = metric("bleu").score(["the cat sat on the mat"], [["the cat sat on a mat there"]])
    theirs = sacrebleu.corpus_bleu(["the cat sat on the mat"], [["the cat sat on a mat there"]])
    assert [found.details[f"precision_{n}"] for n in (1, 2, 3, 4)] == theirs.precisions
    assert found.details["brevity_penalty"] == theirs.bp
    assert (found.details["hypothesis_words"], found.details["reference_words"]) == (6, 7)


def test_nothing_decoded_is_0():
    assert metric("bleu").score(["", ""], [["a b"], ["c"]]).value == 0
    assert metric("chrf").score(["", ""], [["a b"], ["c"]]).value == 0
