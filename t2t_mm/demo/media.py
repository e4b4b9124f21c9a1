"""What a person meets on the page: for each medium of a modality a component of Gradio, and how it
shows an input."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from t2t_mm.modalities.base import Modality

SAVING = ["download", "fullscreen"]  # buttons of a picture: none sends it anywhere
HIGH = 260  # pixels of a picture


class Medium(NamedTuple):
    """A way to give inputs.

    Attributes:
        component: makes the component, of a label. It gives a text, or the content of a file, as
            `Modality.read` takes it; None or "" where nothing was given.
        shown: (modality, an input as `Modality.told` gives it) -> what the component is to show.
    """

    component: Callable[[str], Any]
    shown: Callable[[Modality, Any], Any]


def _as_sent(component: Any) -> Any:
    """Has a component give the content of a file, which Gradio has put in its own folder. Gradio
    itself would open it, and try all formats that its libraries know; what it is, and whether it
    can be read, is for the modality to say. And no text of a visitor is ever taken for a path."""
    component.preprocess = lambda sent: Path(sent.path).read_bytes() if sent else None
    return component


def _picture(label: str) -> Any:
    sources = ["upload", "clipboard"]
    return _as_sent(
        gr.Image(
            label=label,
            type="filepath",
            format="png",
            height=HIGH,
            sources=sources,
            buttons=SAVING,
        )
    )


def _text(label: str) -> Any:
    # of one line, which grows: Enter asks, Shift+Enter begins another
    return gr.Textbox(label=label, lines=1, max_lines=8, placeholder="a text, then Enter")


def _sound(label: str) -> Any:
    sources, buttons = ["upload", "microphone"], ["download"]
    return _as_sent(gr.Audio(label=label, type="filepath", sources=sources, buttons=buttons))


def _pixels(spec: Modality, value: Any) -> Any:
    from PIL import Image

    return Image.open(io.BytesIO(value)) if isinstance(value, bytes) else value


MEDIA = {
    "text": Medium(_text, lambda spec, value: value),
    "picture": Medium(_picture, _pixels),
    "sound": Medium(_sound, lambda spec, value: (spec.sample_rate, value)),
    "file": Medium(lambda label: _as_sent(gr.File(label=label)), lambda spec, value: None),
}
