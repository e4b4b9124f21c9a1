"""Answers as lines of output, with tabs between what stands on one."""

import re
from collections.abc import Iterable


def one_line(text: str) -> str:
    """A text without tabs and line breaks."""
    return re.sub(r"[\t\r\n]+", " ", text)


def ranked(pairs: Iterable[tuple[str, float]]) -> str:
    """Texts, each with its score or probability."""
    return "\t".join(f"{one_line(text)}\t{score:.4f}" for text, score in pairs)
