"""Labelled brackets of constituency trees, counted as EVALB counts them (Sekine and Collins,
nlp.cs.nyu.edu/evalb).

The rules are those of its standard parameter file, COLLINS.prm:

- Words with the tags -NONE- , : `` '' . are taken out, and so are constituents that hold nothing
  else.
- TOP does not count, nor does what other treebanks call it: ROOT, VROOT, S1, nothing at all.
- Labels are cut at the first - or = (NP-SBJ is NP). ADVP and PRT are one label.
- A bracket matches one of the other tree's with the same words and label, each at most once.
- A sentence whose words are not those of the reference is an error, an empty one is skipped.
  Words that are taken out of one tree only, for their tags, make such an error too. So does a
  bracket that holds nothing: it stands for a word that is missing.

EVALB leaves errors and skipped sentences out of its figures, which flatters a parser that has many.
Here the figure is of all sentences: one that is not valid has found none of its reference's
brackets. How many are valid and how many are not stands beside it. EVALB's own figures are among
the details, as evalb_f1 and so on.
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

DELETED = {*trees.ROOT_NAMES, "-NONE-", ",", ":", "``", "''", "."}
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
    "lost",  # brackets of references whose sentence is not valid
)


@registry.register_metric
class BracketF1(Metric):
    """F1 of labelled brackets over all sentences, in percent. Hypotheses and references are
    bracketed trees, one per line.

    Details: how many sentences are valid and how many are not (errors and skipped ones); precision,
    recall and exact_trees (share of sentences all of whose brackets are right), over all sentences;
    and EVALB's figures of the valid ones alone.
    """

    beside = ("valid", "invalid")
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
        total = _totals(sums)
        return ratio(
            2 * total["matched"], total["gold"] + total["lost"] + total["test"], self.scale
        )

    def details(self, sums: np.ndarray) -> dict[str, float]:
        total = _totals(sums)
        invalid = total["errors"] + total["skipped"]

        def share(part: str, *whole: float) -> float:
            return ratio(total[part], sum(whole), self.scale)

        return {
            "valid": total["valid"],
            "invalid": invalid,
            "errors": total["errors"],
            "skipped": total["skipped"],
            "precision": share("matched", total["test"]),
            "recall": share("matched", total["gold"], total["lost"]),
            "exact_trees": share("exact", total["valid"], invalid),
            "evalb_f1": ratio(2 * total["matched"], total["gold"] + total["test"], self.scale),
            "evalb_recall": share("matched", total["gold"]),
            "evalb_exact_trees": share("exact", total["valid"]),
            "evalb_tagging_accuracy": share("right_tags", total["words"]),
        }

    def signature(self, references: Sequence[Sequence[str]]) -> str:
        return "evalb:COLLINS.prm|labelled:yes|root:ignored|invalid:counted"


def _totals(sums: np.ndarray) -> dict[str, Any]:
    """{field: sum}."""
    return dict(zip(_FIELDS, sums.tolist(), strict=True))


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
                if not node.content:  # "(HYPH )", whose word is missing
                    sentence.words.append("")
                    sentence.tags.append(node.label)
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
