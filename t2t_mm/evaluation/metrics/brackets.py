"""Labelled brackets of constituency trees, counted as EVALB counts them (Sekine and Collins,
nlp.cs.nyu.edu/evalb).

The rules are those of its standard parameter file, COLLINS.prm:

- Words with the tags -NONE- , : `` '' . are taken out, and so are constituents that hold nothing
  else.
- TOP does not count, nor does what other treebanks call it: ROOT, S1, nothing at all.
- Labels are cut at the first - or = (NP-SBJ is NP). ADVP and PRT are one label.
- A bracket matches one of the other tree's with the same words and label, each at most once.
- A sentence whose words are not those of the reference is an error, an empty one is skipped;
  neither counts in any figure. Words that are taken out of one tree only, for their tags, make such
  an error too.

So EVALB's F1 is that of the valid sentences, and flatters a parser that has few. Their number is
given beside it, and an F1 of all sentences, in which those that are not valid have none of their
reference's brackets.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from t2t_mm import registry
from t2t_mm.errors import UserError
from t2t_mm.evaluation.metrics.scoring import Metric, ratio
from t2t_mm.problem import trees

DELETED = {"TOP", "-NONE-", ",", ":", "``", "''", ".", "ROOT", "S1", ""}
SAME_LABEL = {"PRT": "ADVP"}

_FIELDS = (
    "matched",
    "gold",
    "test",
    "exact",
    "right_tags",
    "words",
    "valid",
    "errors",
    "skipped",
    "lost",
)


@registry.register_metric
class BracketF1(Metric):
    """F1 of labelled brackets, in percent. Hypotheses and references are bracketed trees, one per
    line.

    Details: precision, recall, exact_trees (share of valid sentences all of whose brackets are
    right), tagging_accuracy, f1_all_sentences, and how many sentences were valid, errors, and
    skipped.
    """

    takes_several = False

    def counts(self, hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> Any:
        rows = []
        for number, (test, (reference,)) in enumerate(zip(hypotheses, references, strict=True), 1):
            try:
                gold = _read(reference)
            except ValueError as error:
                raise UserError(f"Reference {number} is no bracketed tree: {error}.") from None
            row = _compare(gold, test)
            rows.append([row.get(field, 0) for field in _FIELDS])
        return rows

    def value(self, sums: np.ndarray) -> float:
        matched, gold, test = sums[:3]
        return ratio(2 * matched, gold + test, self.scale)

    def details(self, sums: np.ndarray) -> dict[str, float]:
        total = dict(zip(_FIELDS, sums.tolist(), strict=True))
        return {
            "precision": ratio(total["matched"], total["test"], self.scale),
            "recall": ratio(total["matched"], total["gold"], self.scale),
            "exact_trees": ratio(total["exact"], total["valid"], self.scale),
            "tagging_accuracy": ratio(total["right_tags"], total["words"], self.scale),
            "f1_all_sentences": ratio(
                2 * total["matched"], total["gold"] + total["lost"] + total["test"], self.scale
            ),
            "valid": total["valid"],
            "errors": total["errors"],
            "skipped": total["skipped"],
        }

    def signature(self, references: Sequence[Sequence[str]]) -> str:
        return "evalb:COLLINS.prm|labelled:yes|root:ignored"


class _Sentence(NamedTuple):
    words: list
    tags: list
    brackets: Counter  # (first word, word after the last, label) -> how often


def _read(line: str) -> _Sentence:
    """What counts in the trees on a line, which may be several, as in EVALB.

    Raises:
        ValueError: the brackets are not in order.
    """
    sentence, starts = _Sentence([], [], Counter()), []
    for tree in trees.parse(line):
        for step, node in trees.walk(tree):
            if step == "open":
                starts.append(len(sentence.words))
            elif step == "close":
                start, end = starts.pop(), len(sentence.words)
                label = re.split("[-=]", node.label)[0]
                if start < end and label not in DELETED:
                    sentence.brackets[start, end, SAME_LABEL.get(label, label)] += 1
            elif node.label not in DELETED:
                sentence.words.append(node.content)
                sentence.tags.append(node.label)
    return sentence


def _compare(gold: _Sentence, line: str) -> dict[str, int]:
    """The fields of _FIELDS that are not 0."""
    try:
        test = _read(line)
    except ValueError:
        return {"errors": 1, "lost": gold.brackets.total()}
    if not test.words:
        return {"skipped": 1, "lost": gold.brackets.total()}
    if test.words != gold.words:
        return {"errors": 1, "lost": gold.brackets.total()}
    return {
        "matched": (gold.brackets & test.brackets).total(),
        "gold": gold.brackets.total(),
        "test": test.brackets.total(),
        "exact": gold.brackets == test.brackets,
        "right_tags": sum(map(str.__eq__, gold.tags, test.tags)),
        "words": len(gold.words),
        "valid": 1,
    }
