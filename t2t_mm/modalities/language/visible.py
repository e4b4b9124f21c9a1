"""Which texts show nothing: what a person sees is an empty line, whatever characters it holds."""

import re

# Code points, from and to: white space, control characters, and what Unicode calls ignorable (byte
# order marks, zero-width spaces, fillers, variation selectors), and the empty Braille cell.
_INVISIBLE = (
    (0x00, 0x20),
    (0x7F, 0xA0),
    (0xAD, 0xAD),
    (0x34F, 0x34F),
    (0x61C, 0x61C),
    (0x115F, 0x1160),
    (0x1680, 0x1680),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x2000, 0x200F),
    (0x2028, 0x202F),
    (0x205F, 0x206F),
    (0x2800, 0x2800),
    (0x3000, 0x3000),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFF8),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)
BYTE_ORDER_MARK = "\ufeff"
# For graphs: the same set, and marks at the start, as RE2 writes them.
_RANGES = "".join(rf"\x{{{first:x}}}-\x{{{last:x}}}" for first, last in _INVISIBLE)
BLANK = f"[{_RANGES}]*"
MARKS = r"^\x{feff}+"
_SEEN = re.compile(f"[^{''.join(f'{chr(a)}-{chr(b)}' for a, b in _INVISIBLE)}]")


def is_blank(text: str) -> bool:
    """Whether nothing of a text is to be seen."""
    return _SEEN.search(text) is None
