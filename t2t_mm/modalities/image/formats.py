"""Which pictures are read at all: their first bytes, and how large they may be."""

JPEG, PNG, GIF, BMP = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM"
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM")  # as Pillow calls them
MOST_PIXELS = 2**26  # of a picture, 8192 × 8192
MOST_SIDE = 2**16  # what is stretched takes memory for the output's height times this


def is_picture(head: bytes) -> bool:
    """Whether a file is meant as a picture by its first bytes, whatever it is called."""
    is_webp = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    return is_webp or head.startswith((JPEG, PNG, GIF, BMP, b"II*\0", b"MM\0*"))


def check_size(width: int, height: int) -> None:
    """Raises a ValueError if a picture has no pixels, or more than are ever decoded."""
    if not width or not height:
        raise ValueError(f"{width}×{height} pixels")
    if width * height > MOST_PIXELS or max(width, height) > MOST_SIDE:
        raise ValueError(
            f"{width:,}×{height:,} pixels, where {MOST_PIXELS:,} in all and {MOST_SIDE:,} a side "
            "are the most: make it smaller"
        )
