"""Pictures of all formats, depths and modes, each with the pixels that a person sees in it."""

import io
import struct
import zlib
from typing import NamedTuple

import numpy as np
from PIL import Image

SIDE = 16
ROWS, COLUMNS = np.meshgrid(np.arange(SIDE), np.arange(SIDE), indexing="ij")
COLOURS = np.stack([ROWS * 17, COLUMNS * 17, 255 - ROWS * 8 - COLUMNS * 9], -1).astype(np.uint8)
GREY = (ROWS * 9 + COLUMNS * 8).astype(np.uint8)
OPACITY = ((ROWS + COLUMNS) * 8 + 15).astype(np.uint8)
CLEAR = (ROWS < 6) & (COLUMNS < 9)  # what is transparent, where a colour is
LOSSY = 24 / 127.5


class Case(NamedTuple):
    """`seen`: uint8 [16, 16, 3]. `in_graph`: whether an export reads the file as it is."""

    name: str
    content: bytes
    seen: np.ndarray
    tolerance: float = 0.5 / 127.5
    in_graph: bool = True


def grey(values):
    return np.repeat(values[:, :, None], 3, 2).astype(np.uint8)


def white_where(clear, seen):
    return np.where(clear[:, :, None], np.uint8(255), seen)


def blended(colours, opacity):
    share = opacity[:, :, None] / 255.0
    return np.round(colours * share + 255.0 * (1.0 - share)).astype(np.uint8)


def saved(image, form, **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def png(rows, depth, kind, *chunks):
    """A PNG by hand, as Pillow does not write all: samples [height, width, channels]."""
    height, width, _ = rows.shape
    if depth == 16:
        lines = [b"\0" + row.astype(">u2").tobytes() for row in rows]
    else:
        flat = rows.reshape(height, -1).astype(np.uint8)
        bits = np.unpackbits(flat[:, :, None], axis=2)[:, :, 8 - depth :].reshape(height, -1)
        lines = [b"\0" + np.packbits(row).tobytes() for row in bits]
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    body = [(b"IHDR", head), *chunks, (b"IDAT", zlib.compress(b"".join(lines))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in body
    )


def tiff_block(orientation, order=">"):
    """The EXIF that says how a picture stands, after another entry."""
    start = b"MM\0*" if order == ">" else b"II*\0"
    entries = [(0x0100, 4, 16), (0x0112, 3, orientation)]
    packed = b"".join(
        struct.pack(f"{order}HHI", tag, kind, 1)
        + struct.pack(
            f"{order}{'I' if kind == 4 else 'HH'}", *([value] if kind == 4 else [value, 0])
        )
        for tag, kind, value in entries
    )
    return start + struct.pack(f"{order}IH", 8, len(entries)) + packed + b"\0" * 4


def stored(pixels, orientation):
    """Pixels as they lie in a file whose EXIF says so."""
    undo = {
        1: lambda x: x,
        2: lambda x: x[:, ::-1],
        3: lambda x: x[::-1, ::-1],
        4: lambda x: x[::-1],
        5: lambda x: x.transpose(1, 0, 2),
        6: lambda x: np.rot90(x, 1),
        7: lambda x: x[::-1, ::-1].transpose(1, 0, 2),
        8: lambda x: np.rot90(x, -1),
    }
    return np.ascontiguousarray(undo[orientation](pixels))


def depths():
    """Each kind of PNG that there is."""
    for depth in (1, 2, 4, 8, 16):
        top = 2**depth - 1
        values = GREY.astype(np.uint32) * top // 255
        if depth == 16:
            values = GREY.astype(np.uint32) * 256 + 99
        seen = grey(values * 255 // top if depth < 16 else values >> 8)
        yield Case(f"png-grey{depth}", png(values[..., None], depth, 0), seen)
        clear = values == values[3, 3]
        chunk = (b"tRNS", struct.pack(">H", int(values[3, 3])))
        content = png(values[..., None], depth, 0, chunk)
        yield Case(f"png-grey{depth}-clear", content, white_where(clear, seen))
    for depth in (1, 2, 4, 8):
        count = 2**depth
        palette = COLOURS.reshape(-1, 3)[:: 256 // count][:count]
        index = (ROWS * SIDE + COLUMNS) % count
        chunk = (b"PLTE", palette.tobytes())
        yield Case(f"png-palette{depth}", png(index[..., None], depth, 3, chunk), palette[index])
        opacity = np.linspace(0, 255, count).astype(np.uint8)
        clear = (b"tRNS", opacity.tobytes())
        content = png(index[..., None], depth, 3, chunk, clear)
        seen = blended(palette[index], opacity[index])
        yield Case(f"png-palette{depth}-clear", content, seen)
    few = COLOURS.reshape(-1, 3)[7:10]  # fewer colours than the depth has
    index = (ROWS + COLUMNS) % 3
    chunk = (b"PLTE", few.tobytes())
    yield Case("png-palette-of-three", png(index[..., None], 2, 3, chunk), few[index])
    for depth in (8, 16):
        wide = (lambda x: x.astype(np.uint32) * 257) if depth == 16 else (lambda x: x)
        yield Case(f"png-rgb{depth}", png(wide(COLOURS), depth, 2), COLOURS)
        both = np.concatenate([COLOURS, OPACITY[..., None]], -1)
        yield Case(f"png-rgba{depth}", png(wide(both), depth, 6), blended(COLOURS, OPACITY))
        both = np.stack([GREY, OPACITY], -1)
        seen = blended(grey(GREY), OPACITY)
        yield Case(f"png-grey-alpha{depth}", png(wide(both), depth, 4), seen)
        colour = COLOURS[5, 5]
        chunk = (b"tRNS", struct.pack(">HHH", *map(int, wide(colour))))
        clear = (colour == COLOURS).all(-1)
        seen = white_where(clear, COLOURS)
        yield Case(f"png-rgb{depth}-clear", png(wide(COLOURS), depth, 2, chunk), seen)


def formats():
    """What Pillow writes, beside PNG."""
    image = Image.fromarray(COLOURS)
    cut = np.dstack([COLOURS, np.where(CLEAR, 0, 255).astype(np.uint8)])
    seen = white_where(CLEAR, COLOURS)
    for name, options in (("jpeg", {}), ("progressive", {"progressive": True})):
        content = saved(image, "JPEG", quality=95, subsampling=0, **options)
        yield Case(name, content, COLOURS, LOSSY)
    yield Case("jpeg-grey", saved(Image.fromarray(GREY), "JPEG"), grey(GREY), LOSSY)
    cmyk = saved(image.convert("CMYK"), "JPEG", quality=95)
    yield Case("jpeg-cmyk", cmyk, COLOURS, LOSSY)
    yield from gifs()
    yield Case("bmp", saved(image, "BMP"), COLOURS)
    index = ((ROWS + COLUMNS) % 4).astype(np.uint8)
    palette = COLOURS.reshape(-1, 3)[3::64]
    small = Image.fromarray(index)
    small.putpalette(palette.tobytes())
    for form in ("BMP", "TIFF"):
        black = Image.fromarray(GREY).convert("1")
        bits = grey(np.asarray(black).astype(np.uint8) * 255)
        name, in_graph = form.lower(), form == "BMP"
        yield Case(f"{name}-palette", saved(small, form), palette[index], in_graph=in_graph)
        yield Case(f"{name}-bit", saved(black, form), bits, in_graph=in_graph)
        grey_file = saved(Image.fromarray(GREY), form)
        yield Case(f"{name}-grey", grey_file, grey(GREY), in_graph=in_graph)
    yield from bmps()
    yield Case("webp", saved(image, "WEBP", lossless=True), COLOURS, in_graph=False)
    clear = saved(Image.fromarray(cut), "WEBP", lossless=True)
    yield Case("webp-clear", clear, seen, in_graph=False)
    yield Case("tiff", saved(image, "TIFF"), COLOURS, in_graph=False)
    yield Case("tiff-clear", saved(Image.fromarray(cut), "TIFF"), seen, in_graph=False)
    yield Case("tiff-lzw", saved(image, "TIFF", compression="tiff_lzw"), COLOURS, in_graph=False)
    tiff = saved(image.convert("CMYK"), "TIFF")
    yield Case("tiff-cmyk", tiff, COLOURS, 1 / 127.5, in_graph=False)
    deep = Image.fromarray(GREY.astype(np.uint16) * 256 + 77)
    yield Case("tiff-grey16", saved(deep, "TIFF"), grey(GREY), in_graph=False)
    flipped = saved(Image.fromarray(65535 - np.asarray(deep)), "TIFF", tiffinfo={262: 0})
    yield Case("tiff-grey16-inverse", flipped, grey(GREY), in_graph=False)
    pgm = b"P5 16 16 65535\n" + np.asarray(deep).astype(">u2").tobytes()
    yield Case("pgm16", pgm, grey(GREY), in_graph=False)
    yield Case("ppm", saved(image, "PPM"), COLOURS, in_graph=False)


def bmps():
    """A BMP may begin at its top, and have 4 or 32 bits."""
    image = Image.fromarray(COLOURS)
    content = bytearray(saved(Image.fromarray(COLOURS[::-1].copy()), "BMP"))
    content[22:26] = struct.pack("<i", -SIDE)
    yield Case("bmp-from-the-top", bytes(content), COLOURS)
    yield Case("bmp-32", saved(image.convert("RGBA"), "BMP"), COLOURS)
    palette = np.concatenate([COLOURS[0], np.zeros([SIDE, 1], np.uint8)], 1)
    rows = (COLUMNS[::-1, ::2] * 16 + COLUMNS[::-1, 1::2]).astype(np.uint8)
    head = struct.pack("<IiiHHIIiiII", 40, SIDE, SIDE, 1, 4, 0, rows.size, 0, 0, 0, 0)
    body = head + palette[:, [2, 1, 0, 3]].tobytes() + rows.tobytes()
    start = struct.pack("<2sIHHI", b"BM", 14 + len(body), 0, 0, 14 + 40 + 64)
    seen = np.repeat(COLOURS[:1], SIDE, 0)
    yield Case("bmp-4", start + body, seen)


def gifs():
    """A GIF may be interlaced, of several pictures, smaller than its canvas."""
    index = (ROWS * 4 // SIDE * 4 + COLUMNS * 4 // SIDE).astype(np.uint8)
    palette = COLOURS[::4, ::4].reshape(-1, 3)
    image = Image.fromarray(index)
    image.putpalette(palette.tobytes())
    seen = palette[index]
    yield Case("gif", saved(image, "GIF", interlace=0), seen)
    yield Case("gif-interlaced", saved(image, "GIF", interlace=1), seen)
    clear = white_where(index == 5, seen)
    yield Case("gif-clear", saved(image, "GIF", transparency=5), clear)
    more = [Image.fromarray(index[::-1].copy()), Image.fromarray(index.T.copy())]
    for each in more:
        each.putpalette(palette.tobytes())
    animated = saved(image, "GIF", save_all=True, append_images=more, transparency=5, loop=0)
    yield Case("gif-animated", animated, clear)
    content = saved(image, "GIF", interlace=0, comment=b"a comment " * 60)
    yield Case("gif-comment", content, seen)
    canvas = bytearray(saved(image.crop((0, 0, 8, 8)), "GIF", optimize=False))
    canvas[6:10] = struct.pack("<HH", SIDE, SIDE)
    palette_size = 3 * 2 ** ((canvas[10] & 7) + 1)
    place = canvas.index(b",", 13 + palette_size)
    canvas[place + 1 : place + 5] = struct.pack("<HH", 4, 6)
    around = grey(np.zeros_like(GREY)) + canvas[13:16]
    around[6:14, 4:12] = seen[:8, :8]
    yield Case("gif-smaller-than-its-canvas", bytes(canvas), around.astype(np.uint8))
    control = b"!\xf9\x04\x01\0\0\x05\0"  # the sixth colour is transparent
    clear = np.full_like(around, 255)
    clear[6:14, 4:12] = white_where(index == 5, seen)[:8, :8]
    content = bytes(canvas[:place]) + control + bytes(canvas[place:])
    yield Case("gif-smaller-and-clear", content, clear.astype(np.uint8))


def standing():
    """Pictures that stand in all eight ways."""
    for orientation in range(1, 9):
        lying = Image.fromarray(stored(COLOURS, orientation))
        block = tiff_block(orientation, "<>"[orientation % 2])
        exif = b"Exif\0\0" + block
        jpeg = saved(lying, "JPEG", quality=95, subsampling=0, exif=exif)
        yield Case(f"jpeg-{orientation}", jpeg, COLOURS, LOSSY)
        content = png(np.asarray(lying), 8, 2, (b"eXIf", block))
        yield Case(f"png-{orientation}", content, COLOURS)
        webp = saved(lying, "WEBP", lossless=True, exif=exif)
        yield Case(f"webp-{orientation}", webp, COLOURS, in_graph=False)
        tiff = saved(lying, "TIFF", tiffinfo={274: orientation})
        yield Case(f"tiff-{orientation}", tiff, COLOURS, in_graph=False)


CASES = [*depths(), *formats(), *standing()]
