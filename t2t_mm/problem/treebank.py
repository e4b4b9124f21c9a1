"""How a treebank writes sentences, found in its words; a text is brought to that in a graph.

A treebank's words are tokens: "barks ." and "do n't", "-LRB-" for a bracket, and in the Penn
Treebank also "1\\/2" and "``". Others differ, in German there are no clitics, and so on. So nothing
is laid down here: of each habit that treebanks are known for, the words show whether this one has
it. What is no matter of single characters (full stops within a line, abbreviations at its end) is
left to whoever gives tokens.
"""

import collections
import dataclasses
import re
from collections.abc import Iterable
from typing import Any

from t2t_mm.errors import UserError

# As people write it -> how treebanks write it. The most frequent of these is the treebank's own,
# unless the first is there about as often.
_FORMS = {
    "(": ("-LRB-", "*LRB*"),
    ")": ("-RRB-", "*RRB*"),
    "[": ("-LSB-",),
    "]": ("-RSB-",),
    "{": ("-LCB-",),
    "}": ("-RCB-",),
    "/": ("\\/",),
    "*": ("\\*",),
    '"': ("``",),
    "\u201c": ("``", '"'),
    "\u201d": ("''", '"'),
    "\u201e": ("``", '"'),
    "\u2018": ("`", "'"),
    "\u2019": ("'",),
    "\u2026": ("...",),
    "\u2014": ("--",),
    "\u2013": ("--",),
}
_BRACKETS = "()"  # which no treebank can have as they are
_MARKS = ',;:?!()[]{}"\u201c\u201d\u201e\u2018\u2026\u2014\u2013$\u20ac\u00a3%\u00ab\u00bb'
_JOINTS = "/-"  # which join words; another mark that the treebank lacks is taken to stand alone
_CLITICS = ("n't", "'s", "'m", "'d", "'ll", "'re", "'ve")
_APOSTROPHES = "'\u2019"
_HALVES = ("can not", "gon na", "got ta", "wan na", "gim me", "lem me")  # of one word each
_RARELY = 10  # one form is the treebank's own if it is so many times as frequent as another


@dataclasses.dataclass(frozen=True)
class Conventions:
    """What is to be done to a text.

    Attributes:
        forms: (what is written, what the treebank writes for it).
        apart: marks that are words of their own, but within numbers.
        joints: marks that are words of their own between letters.
        apostrophes: those with which the ends of English words are words of their own ("do n't").
        halves: pairs of words that people write as one.
        stop: whether the full stop at the end is a word of its own, and so are dots in a row.
    """

    forms: tuple[tuple[str, str], ...] = ()
    apart: str = ""
    joints: str = ""
    apostrophes: str = ""
    halves: tuple[str, ...] = ()
    stop: bool = False

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Conventions":
        """Back from `to_dict`. Raises a UserError if it is another's."""
        try:
            forms = tuple((str(a), str(b)) for a, b in values["forms"])
            marks = {name: str(values[name]) for name in ("apart", "joints", "apostrophes")}
            halves = tuple(map(str, values["halves"]))
            if not all(map(all, forms)) or any(len(each.split()) != 2 for each in halves):
                raise ValueError("an empty form")
            return cls(forms, **marks, halves=halves, stop=bool(values["stop"]))
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"these are no conventions of a treebank: {error!r}") from None


def found(sentences: Iterable[str]) -> Conventions:
    """The conventions of a treebank, of which these are sentences: words with spaces between."""
    words: collections.Counter = collections.Counter()
    for sentence in sentences:
        words.update(sentence.split(" "))
    forms = tuple(pair for pair in ((each, _form(each, words)) for each in _FORMS) if all(pair))
    written = dict(forms)
    alone = {mark: _alone(written.get(mark, mark), words) for mark in (*_MARKS, *_JOINTS)}
    return Conventions(
        forms,
        "".join(mark for mark in _MARKS if alone[mark] >= 0),
        "".join(mark for mark in _JOINTS if alone[mark] > 0),
        "".join(mark for mark in _APOSTROPHES if _has_clitics(mark, words)),
        tuple(each for each in _HALVES if _is_halved(each, words)),
        words["."] > 0,
    )


def _form(plain: str, words: collections.Counter) -> str:
    """What the treebank writes for `plain`; "" if that itself, or nothing is known."""
    if plain in _BRACKETS:
        return max(_FORMS[plain], key=lambda form: words[form])  # the first of equals
    form = max(_FORMS[plain], key=lambda form: _count(form, words))
    return form if _count(form, words) > _RARELY * _count(plain, words) else ""


def _count(form: str, words: collections.Counter) -> int:
    """How many words have a form, as it is."""
    if form == "'":
        return sum(words[each] for each in (*_CLITICS, form))
    other = "\\" + form
    return sum(count for word, count in words.items() if form in word and other not in word)


def _alone(form: str, words: collections.Counter) -> int:
    """How much more often a mark is a word of its own than a part of one with letters."""
    beside = re.compile(rf"[^\W\d]{re.escape(form)}|{re.escape(form)}[^\W\d]")
    parts = (count for word, count in words.items() if form in word and beside.search(word))
    return words[form] - sum(parts)


def _has_clitics(apostrophe: str, words: collections.Counter) -> bool:
    return any(words[clitic.replace("'", apostrophe)] for clitic in _CLITICS)


def _is_halved(halves: str, words: collections.Counter) -> bool:
    first, second = halves.split()
    return not words[first + second] and words[first] > 0 and words[second] > 0
