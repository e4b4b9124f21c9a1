"""In graph: a text as a person writes it, brought to the conventions of a treebank; see
treebank.py."""

import re
from typing import Any

import tensorflow as tf

from t2t_mm.problem.treebank import Conventions

_REPLACE = tf.strings.regex_replace
_ENDERS = ":;?!"  # which end something, and are a part of what goes on with a letter
_CLOSING = r"[^\pL\pN]*"  # what may follow the last word: quotes, brackets
_ABBREVIATED = rf".* (\pL\.){{2,}}{_CLOSING}"  # "in the U.S."


def tokenized(text: Any, conventions: Conventions) -> Any:
    """The words of a text with spaces between.

    What is tokenised already stays as it is, but for the ambiguous.

    Args:
        text: strings, of any shape.
        conventions: of the treebank.

    Returns:
        Strings of the same shape.
    """
    forms = dict(conventions.forms)
    escapes = {plain: form for plain, form in forms.items() if _is_escape(form)}
    text = _spaced(text)
    for plain, form in escapes.items():  # of tokens that are given
        text = _REPLACE(text, re.escape(form), _literal(plain))
    text = _quoted(text, forms)
    for plain, form in forms.items():
        if plain not in escapes and plain != '"':
            apart = plain in conventions.apart
            text = _REPLACE(text, re.escape(plain), f" {form} " if apart else form)
    text = _apart(text, conventions)
    text = _endings(text, conventions)
    for plain, form in escapes.items():
        text = _REPLACE(text, re.escape(plain), _literal(form))
    return tf.strings.strip(_spaced(text))


def _spaced(text):
    """With one space between words, before the first and after the last."""
    return _REPLACE(tf.strings.join([" ", text, " "]), r"[\s\v\pZ]+", " ")


def _quoted(text, forms):
    """Straight quotes, where the treebank has an opening and a closing one."""
    if '"' not in forms:
        return text
    text = _REPLACE(text, r'([ (\[{<\-/\x{2014}])"', r"\1 `` ")
    text = _REPLACE(text, '"', " '' ")
    return _REPLACE(_REPLACE(text, "``", " `` "), "''", " '' ")


def _apart(text, conventions):
    """Marks that are words of their own, but for those within numbers."""
    if conventions.stop:
        text = _REPLACE(text, r"(\.\.+)", r" \1 ")
    text = _REPLACE(text, r"(--+)", r" \1 ")
    enders = "".join(mark for mark in conventions.apart if mark in _ENDERS)
    others = "".join(mark for mark in conventions.apart if mark not in _ENDERS)
    if enders:  # not those of http://example.com/?page=1
        text = _REPLACE(text, rf"([{re.escape(enders)}])([^\pL\pN/])", r" \1 \2")
    if others:
        text = _REPLACE(text, rf"([{re.escape(others)}])([^0-9])", r" \1 \2")
        text = _REPLACE(text, rf"([^0-9])([{re.escape(others)}])", r"\1 \2 ")
    for mark in conventions.joints * 2:  # twice: a match takes its neighbours
        text = _REPLACE(text, rf"(\pL){mark}([\pL\pN])", rf"\1 {mark} \2")
        text = _REPLACE(text, rf"([\pL\pN]){mark}(\pL)", rf"\1 {mark} \2")
    return _spaced(text)


def _endings(text, conventions):
    """Ends of words that are words of their own, and at last the full stop."""
    for halves in conventions.halves:
        first, second = halves.split()
        text = _REPLACE(text, rf"(?i) ({first})({second}) ", r" \1 \2 ")
    if conventions.apostrophes:
        mark = f"[{conventions.apostrophes}]"
        ends = f"n{mark}t|{mark}(?:ll|re|ve|s|m|d)|{mark}"  # the last of "dogs'"
        for _ in range(2):  # "could n't 've"
            text = _REPLACE(text, rf"(?i)([\pL\pN.])({ends})([^\pL\pN])", r"\1 \2\3")
    if conventions.stop:
        ended = _REPLACE(text, rf"([^ .])\.({_CLOSING})$", r"\1 .\2")
        text = tf.where(tf.strings.regex_full_match(text, _ABBREVIATED), text, ended)
    return _spaced(text)


def _is_escape(form):
    """Whether a form can't be meant otherwise, as quotes and dashes can."""
    return form[0] in "-*\\" and len(form) > 1 and form != "--"


def _literal(text):
    """As the replacement of a regular expression has it."""
    return text.replace("\\", "\\\\")
