"""The one exception that stands for a mistake of the user, and what other errors say."""

import re


class UserError(Exception):
    """A mistake of the user: a wrong name, value, file or folder.

    The message is one paragraph: what was expected, what came, what to do. Commands print it as one
    line, `error: <message>`, and exit with code 1; a traceback would only hide it.
    """


def shortened(text: object, most: int = 200) -> str:
    """A text from outside, as it may stand in a message: cut after so many characters."""
    shown = str(text)
    return shown if len(shown) <= most else f"{shown[:most]}..."


def first_line(error: BaseException) -> str:
    """The first line of an error's message, without TensorFlow's names of operations; its kind if
    it has none."""
    plain = re.sub(r"\{\{.*?\}\} ?|\[Op:.*?\]", "", str(error))
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).rstrip(". ")[:300]
