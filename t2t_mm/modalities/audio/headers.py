"""What the header of a recording announces, so that one that is cut off is not taken for whole."""

import os
import re
from typing import IO, NamedTuple

FORMATS = ("WAV", "WAVEX", "RF64", "FLAC", "OGG", "MP3", "AIFF", "AU", "NIST")  # as soundfile says
INTEGERS, FLOATS, A_LAW, MU_LAW, EXTENSIBLE = 1, 3, 6, 7, 0xFFFE  # format tags of a WAV file
# (tag, bits of a sample) that are read, here and in graph
CODINGS = (
    *((INTEGERS, bits) for bits in (8, 16, 24, 32)),
    *((FLOATS, bits) for bits in (32, 64)),
    (A_LAW, 8),
    (MU_LAW, 8),
)
# Sizes from here on stand in headers that were written before the end was known.
UNKNOWN = 0x7FFFF000
CHUNKS = 1000  # of a WAV file before its sound: real ones have a handful


class Announced(NamedTuple):
    """Where the sound begins, and how many bytes of it there are to be."""

    place: int
    size: int


def check(file: IO[bytes]) -> None:
    """Raises a ValueError for a recording that is cut off, or a WAV file in a coding that is not
    read. What is no recording passes; of FLAC, OGG and MP3 their decoders know more.

    Args:
        file: open, at its beginning; it is left there.
    """
    head = file.read(12)
    announced = None
    if head[:4] in (b"RIFF", b"RF64", b"RIFX") and head[8:] == b"WAVE":
        announced = _wav(file, head[:4])
    elif head[:4] == b"FORM" and head[8:] in (b"AIFF", b"AIFC"):
        announced = _chunk(file, b"SSND", "big")
    elif head[:4] == b".snd":
        announced = Announced(_number(head[4:8], "big"), _number(head[8:12], "big"))
    elif head[:7] == b"NIST_1A":
        announced = _sphere(head + file.read(4096))
    there = file.seek(0, os.SEEK_END)
    file.seek(0)
    if announced and announced.size < UNKNOWN and announced.place + announced.size > there:
        missing = announced.place + announced.size - there
        raise ValueError(f"cut off: {missing:,} of {announced.size:,} bytes of sound are missing")


def _wav(file, kind):
    if kind == b"RIFX":
        raise ValueError("a big-endian WAV file (RIFX), which is not supported")
    form, data = _chunk(file, b"fmt ", "little"), _chunk(file, b"data", "little")
    if not form or not data:
        raise ValueError("a WAV file without a format, or without sound")
    file.seek(form.place)
    content = file.read(26)
    tag, channels, align, bits = (_number(content[at : at + 2]) for at in (0, 2, 12, 14))
    tag = _number(content[24:26]) if tag == EXTENSIBLE else tag
    if (tag, bits) not in CODINGS or align != channels * bits // 8:
        raise ValueError(
            f"a WAV file of coding {tag} with {bits} bits, where integers of 8 to 32 bits, floats, "
            "A-law and mu-law are read: convert it"
        )
    if kind == b"RF64":  # whose first chunk has the size
        file.seek(28)
        return Announced(data.place, _number(file.read(8)))
    return data


def _chunk(file, name, order):
    """The first chunk of that name; None if there is none."""
    place = 12
    for _ in range(CHUNKS):
        file.seek(place)
        head = file.read(8)
        if len(head) < 8:
            return None
        size = _number(head[4:], order)
        if head[:4] == name:
            return Announced(place + 8, size)
        place += 8 + size + size % 2
    return None


def _sphere(head):
    said = dict(re.findall(rb"\n(\w+) -i (\d+)", head))
    try:
        counts = [int(said[name]) for name in (b"sample_count", b"sample_n_bytes")]
        return Announced(int(head[8:16]), counts[0] * counts[1] * int(said[b"channel_count"]))
    except (KeyError, ValueError):
        return None


def _number(octets, order="little"):
    return int.from_bytes(octets, order)
