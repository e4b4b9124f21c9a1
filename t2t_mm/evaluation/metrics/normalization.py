"""The plain form of a text, for metrics that look past case and punctuation."""

import unicodedata

SIGNATURE = "case:lower|punctuation:removed|space:collapsed"


def plain(text: str) -> str:
    """Lower case, without characters of Unicode's category P, words one space apart.

    What stood about a punctuation mark moves together: "don't" is one word, and so is "twenty-one".
    """
    kept = "".join(
        letter for letter in text.lower() if not unicodedata.category(letter).startswith("P")
    )
    return " ".join(kept.split())
