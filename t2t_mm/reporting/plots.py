"""Draws an explanation: attention from outputs to inputs, and the experts of each position."""

from typing import Any

import numpy as np

from t2t_mm.errors import UserError
from t2t_mm.reporting.drawing import content, plain

TICKS = 48  # most labels on an axis


def draw(explanation: Any, form: str = "png") -> bytes:
    """A picture with a panel for each attention (mean of its heads) and each mixture of experts.

    Args:
        explanation: inference.explain.Explanation.
        form: "png" or "svg".
    """
    from matplotlib.figure import Figure

    inputs, outputs = explanation.inputs, explanation.outputs
    panels = [
        (f"attention, {place}", weights.mean(axis=0), outputs, inputs)
        for place, weights in explanation.attention.items()
    ]
    for place, gates in explanation.experts.items():
        rows = inputs if place == "encoder" else outputs
        panels.append((f"experts, {place}", gates, rows, list(map(str, range(gates.shape[1])))))
    if not panels:
        raise UserError(
            f"The model has neither attention nor experts that {explanation.problem} uses: "
            "there is "
            "nothing to draw."
        )
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    wide, high = (
        max(3.0, 0.8 + 0.19 * min(TICKS, size))
        for size in (len(inputs), max(len(inputs), len(outputs)))
    )
    figure = Figure(figsize=(columns * wide, 0.6 + rows * high), layout="constrained")
    figure.suptitle(plain(f"{explanation.problem}: {explanation.answer[:120]}"), fontsize=10)
    for axes, panel in zip(
        figure.subplots(rows, columns, squeeze=False).flat, panels, strict=False
    ):
        _panel(axes, *panel)
    for axes in figure.axes[len(panels) :]:
        axes.set_visible(False)
    return content(figure, form)


def _panel(axes, title, values, rows, columns):
    """A matrix [rows, columns], darker where larger."""
    axes.imshow(values, cmap="Blues", vmin=0.0, aspect="auto", interpolation="nearest")
    axes.set_title(title, fontsize=8)
    for labels, ticks, size, angle in (
        (columns, axes.set_xticks, values.shape[1], 90),
        (rows, axes.set_yticks, values.shape[0], 0),
    ):
        at = np.arange(0, size, -(-size // TICKS))
        ticks(at, [plain(labels[i]) for i in at], rotation=angle, fontsize=6)
