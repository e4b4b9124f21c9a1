"""Draws the figures of "How the MultiModel works" from what the model does: one example of text, of
a picture and of speech goes through `multimodel_tiny`, and each layer that is called becomes a box
with the shape that it gives.

    python docs/figures/draw.py
"""

import dataclasses
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from t2t_mm import Audio, Categorical, Image, Language, registry
from t2t_mm.cli import app

HERE = Path(__file__).parent
TEXT = Language(vocab="text", size=8192)
# Class of a layer -> the section of the paper that describes it, and its colour.
SECTIONS = {
    "ConvBlock": ("Convolutional blocks", "#cfe3f5"),
    "ConvStep": ("Convolutional blocks", "#cfe3f5"),
    "ConvStep2D": ("Modality nets", "#d9efd3"),
    "ConvRes": ("Modality nets", "#d9efd3"),
    "AttentionBlock": ("Attention blocks", "#fbe3c0"),
    "MultiHeadAttention": ("Attention blocks", "#fbe3c0"),
    "ExpertsBranch": ("Mixture-of-experts blocks", "#ecd5ee"),
    "MixtureOfExperts": ("Mixture-of-experts blocks", "#ecd5ee"),
    "LayerNorm": ("", "#eeeeee"),
}
WIDTH, HEIGHT, GAP, TOP = 256, 46, 16, 40  # of a box, between boxes, above the first


@dataclasses.dataclass
class Call:
    """A layer that was called.

    Attributes:
        depth: how many calls it stands within.
        layer: the Keras layer.
        shape: of what it gave, without the batch.
    """

    depth: int
    layer: Any
    shape: tuple = ()


def calls(model: Any, problem: str, batch: dict[str, Any]) -> list[Call]:
    """The calls that an answer to a batch takes, in their order."""
    import keras

    made, found, depth = keras.layers.Layer.__call__, list[Call](), 0

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal depth
        found.append(Call(depth, self))
        mine, depth = found[-1], depth + 1
        given = made(self, *args, **kwargs)
        depth -= 1
        first = given[0] if isinstance(given, tuple) else given
        mine.shape = tuple(getattr(first, "shape", ()))[1:]
        return given

    with mock.patch.object(keras.layers.Layer, "__call__", call):
        model(batch, problem=problem)
    return found


def within(found: Sequence[Call], name: str) -> list[Call]:
    """The calls directly within the first of a layer that has this name."""
    start = next(i for i, call in enumerate(found) if call.layer.name == name)
    inner = list[Call]()
    for call in found[start + 1 :]:
        if call.depth <= found[start].depth:
            break
        inner += [call] if call.depth == found[start].depth + 1 else []
    return inner


def what(layer: Any) -> str:
    """A layer in a few words, from its own attributes."""
    kind = type(layer).__name__
    if kind == "ConvStep":
        dilation = f", dilation {layer.dilation}" if layer.dilation > 1 else ""
        return f"step {layer.taps}×1{dilation}"
    if kind == "ConvStep2D":
        stride = f", stride {layer.strides[0]}" if layer.strides != (1, 1) else ""
        return f"step {layer.taps}×{layer.taps}{stride}"
    if kind == "ConvRes":
        shape = "×".join(map(str, layer.strides))
        return f"residual block{f', stride {shape}' if layer.strides != (1, 1) else ''}"
    if kind == "MultiHeadAttention":
        which = "self-attention" if "self" in layer.name else "attention to the encoding"
        return f"{which}, {layer.num_heads} heads"
    if kind == "ExpertsBranch":
        experts = layer.experts
        return f"experts: {experts.k} of {experts.num_experts} for each position"
    names = {"ConvBlock": "convolution block", "AttentionBlock": "attention block"}
    return (names | {"LayerNorm": kind}).get(kind, layer.name)


def column(title: str, boxes: Sequence[tuple[str, str, str]], left: int) -> Iterator[str]:
    """Boxes one below the other, (text, text below, colour), with arrows between."""
    yield f'<text x="{left + WIDTH // 2}" y="22" class="title">{escape(title)}</text>'
    for number, (text, below, colour) in enumerate(boxes):
        y, middle = TOP + number * (HEIGHT + GAP), left + WIDTH // 2
        if number:
            yield f'<path d="M{middle} {y - GAP}V{y - 3}" class="line"/>'
        yield f'<rect x="{left}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="6" fill="{colour}"/>'
        yield f'<text x="{middle}" y="{y + 19}">{escape(text)}</text>'
        yield f'<text x="{middle}" y="{y + 36}" class="small">{escape(below)}</text>'


def box(call: Call) -> tuple[str, str, str]:
    """A call as a box."""
    section, colour = SECTIONS[type(call.layer).__name__]
    return what(call.layer), " · ".join(filter(None, [shaped(call.shape), section])), colour


def shaped(shape: Sequence[int]) -> str:
    return "[" + ", ".join(map(str, shape)) + "]"


def plain(text: str, below: str) -> tuple[str, str, str]:
    """A box of what is no layer."""
    return text, below, "#ffffff"


def figure(name: str, columns: dict[str, list[tuple[str, str, str]]]) -> None:
    """Writes columns side by side to `<name>.svg`."""
    width = len(columns) * (WIDTH + 30) + 10
    height = TOP + max(map(len, columns.values())) * (HEIGHT + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="14" '
        'text-anchor="middle">',
        "<style>rect{stroke:#666}.small{font-size:11px;fill:#444}.title{font-weight:bold}"
        ".line{stroke:#666;fill:none;marker-end:url(#tip)}</style>",
        '<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="5" refY="3" orient="auto">'
        '<path d="M0 0L6 3L0 6z" fill="#666"/></marker></defs>',
        f'<rect width="{width}" height="{height}" fill="#fff" style="stroke:none"/>',
    ]
    for number, (title, boxes) in enumerate(columns.items()):
        parts += column(title, boxes, 20 + number * (WIDTH + 30))
    (HERE / f"{name}.svg").write_text("\n".join([*parts, "</svg>"]) + "\n")


def main() -> None:
    """Draws all figures."""
    app.import_tensorflow()
    import numpy as np

    hparams = registry.hparams("multimodel_tiny").replace(image_size=0)
    sides = {
        "text": (TEXT, TEXT),
        "picture": (Image(size=299), Categorical(labels="classes", num_classes=1000)),
        "speech": (Audio(), TEXT),
    }
    problems = [
        SimpleNamespace(name=name, inputs=inputs, targets=targets, command="to-" + name)
        for name, (inputs, targets) in sides.items()
    ]
    model = registry.model("multimodel")(hparams, problems)
    ids = lambda name, length: {  # noqa: E731
        name: np.ones([1, length], "int32"),
        f"{name}_mask": np.ones([1, length], bool),
    }
    pixels, frames = np.zeros([1, 299, 299, 3], "float32"), np.zeros([1, 400, 80, 1], "float32")
    text = calls(model, "text", ids("inputs", 24) | ids("targets", 16))
    picture = calls(model, "picture", {"inputs": pixels} | ids("targets", 1))
    sound = {"inputs": frames, "inputs_mask": np.ones([1, 400], bool)}
    speech = calls(model, "speech", sound | ids("targets", 16))

    body = {
        name: [box(call) for call in within(text, name)] for name in ("encoder", "mixer", "decoder")
    }
    hidden = hparams.hidden_size
    body["encoder"].insert(0, plain("24 pieces, embedded, + timing", shaped((24, hidden))))
    body["mixer"].insert(0, plain("command token, 15 earlier outputs", shaped((16, hidden))))
    body["decoder"].append(plain("logits of the next pieces", shaped((16, TEXT.size))))
    figure("body", body)
    blocks = {
        "convolution block": [plain("x", "")]
        + [box(call) for call in within(text, "block1")]
        + [plain("x + ...", "skips from x after the second and fourth step")],
        "attention block": [plain("outputs so far + timing", "")]
        + [box(call) for call in within(text, "attention")]
        + [plain("x + ...", "each branch is added to its input")],
        "experts": [plain("x", "")]
        + [box(call) for call in within(text, "experts_branch")]
        + [plain("x + ...", "added to the input")],
    }
    figure("blocks", blocks)
    figure("nets", nets(picture, speech, frames.shape[1:]))


def nets(picture: Sequence[Call], speech: Sequence[Call], frames: tuple) -> dict[str, list]:
    """The columns of the modality nets."""
    place = next(i for i, call in enumerate(picture) if call.layer.name == "encoder")
    outer = [call for call in picture if call.depth == 1]
    before = [call for call in picture[:place] if call.depth == 1]
    after = outer[outer.index(next(c for c in outer if c.layer.name == "decoder")) + 1 :]
    until = next(i for i, call in enumerate(speech) if call.layer.name == "encoder")
    heard = [call for call in speech[:until] if call.depth == 1]
    positions = shaped(picture[place].shape)
    return {
        "image net: Xception's entry flow": [
            plain("pixels", "[299, 299, 3]"),
            *map(box, before),
            plain("positions of the body", positions),
        ],
        "categorical net: its exit flow": [
            plain("output of the body", positions),
            *map(box, after),
            plain("mean over the positions, linear", "[1, 1000]"),
        ],
        "audio net": [
            plain("log-mel spectrogram, 4 s", shaped(frames)),
            *map(box, heard),
            plain("positions of the body", shaped(speech[until].shape)),
        ],
    }


if __name__ == "__main__":
    main()
