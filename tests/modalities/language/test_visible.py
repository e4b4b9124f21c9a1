"""Texts of which nothing is to be seen; the graph agrees with Python."""

import sys

import pytest
import tensorflow as tf

from t2t_mm.errors import UserError
from t2t_mm.modalities.language.spec import LONGEST, Language
from t2t_mm.modalities.language.visible import BLANK, is_blank

SPEC = Language(vocab="any")
EMPTY = ["", " \t\r", "\ufeff", "\u200b", "\ufeff\u200b\u2060\u00ad", "\u3164", "\u2800", "\0\x1f"]


@pytest.mark.parametrize("text", EMPTY)
def test_a_text_that_shows_nothing_is_empty(text):
    assert is_blank(text)
    with pytest.raises(UserError, match="the text is empty"):
        SPEC.read(text)
    with pytest.raises(tf.errors.InvalidArgumentError):
        SPEC.read_in_graph(tf.constant(text))


def test_the_graph_knows_the_same_characters():
    ranges = (range(0xD800), range(0xE000, 0x20000), range(0xE0000, 0xE1100))
    points = [point for each in ranges for point in each]
    found = tf.strings.regex_full_match([chr(point) for point in points], BLANK).numpy()
    blank = {point for point, yes in zip(points, found, strict=True) if yes}
    assert blank == {point for point in points if is_blank(chr(point))}
    assert blank >= {p for p in range(sys.maxunicode + 1) if chr(p).isspace()}
    assert not blank & set(map(ord, "aé.-–!\u0301\u0600中"))


def test_byte_order_marks_at_the_start_go():
    assert SPEC.read("\ufeff\ufeffa\ufeffb") == "a\ufeffb".encode()
    found = SPEC.read_in_graph(tf.constant("\ufeff\ufeffa\ufeffb"))
    assert found.numpy() == "a\ufeffb".encode()
    assert SPEC.store("\ufeffa", None) == SPEC.store(b"\xef\xbb\xbfa", None) == b"a"


@pytest.mark.parametrize("content", [b"There \xff is", b"\xc3", b"\xed\xa0\x80", b"\xff\xfea\0"])
def test_what_is_no_utf_8_is_refused(content):
    with pytest.raises(UserError, match="not UTF-8"):
        SPEC.read(content.decode("utf-8", "surrogateescape"))
    with pytest.raises(tf.errors.InvalidArgumentError):
        SPEC.read_in_graph(tf.constant(content))


@pytest.mark.parametrize("text", ["x" * (LONGEST + 1), "é" * (LONGEST // 2 + 1)])
def test_a_text_that_can_not_fit_is_refused_by_its_bytes(text, monkeypatch):
    monkeypatch.setattr(Language, "vocabulary", None)  # it is never tokenised
    with pytest.raises(UserError, match="longer than 524,288 bytes"):
        SPEC.read(text)
    with pytest.raises(tf.errors.InvalidArgumentError):
        SPEC.read_in_graph(tf.constant(text))
    assert SPEC.read(text[: LONGEST // 2])
