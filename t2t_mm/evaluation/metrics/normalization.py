"""The form of a text that metrics compare: one way to write each letter, and, for those that look
past case and punctuation, the plain form."""

import re
import unicodedata

SIGNATURE = "case:lower|punctuation:removed|numbers:kept|space:collapsed"

_PERCENT = "%\u2030\u066a"  # also per mille, and the Arabic sign
# a point, comma, colon, slash or the like between two digits
_IN_A_NUMBER = re.compile(r"(?<=\d)[^\w\s](?=\d)")


def composed(text: str) -> str:
    """The text in Unicode's form C: a letter and its accent are one character, however they came
    about."""
    return unicodedata.normalize("NFC", text)


def plain(text: str) -> str:
    """Lower case, without characters of Unicode's category P, words one space apart.

    What stood about a punctuation mark moves together: "don't" is one word, and so is "twenty-one".
    What belongs to a number stays: the mark between two digits (3.5, 10:30) and the percent sign.
    """
    text = text.lower()
    inside = {match.start() for match in _IN_A_NUMBER.finditer(text)}
    kept = "".join(
        letter
        for place, letter in enumerate(text)
        if place in inside or letter in _PERCENT or not unicodedata.category(letter).startswith("P")
    )
    return " ".join(kept.split())
