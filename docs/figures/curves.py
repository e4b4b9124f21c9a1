"""Draws the learning curves of README: the log-perplexity of each problem's training batches, as a
run wrote them to TensorBoard.

    python docs/figures/curves.py --output_dir=output/mini8
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from t2t_mm.cli import app
from t2t_mm.reporting.curves import COLOURS
from t2t_mm.reporting.drawing import content

HERE = Path(__file__).parent
TAG = "log_perplexity/"
LEAST = 1e-3  # nats; what lies below is as good as known


def curves(output_dir: Path) -> dict[str, tuple[list[int], list[float]]]:
    """{problem: (steps, nats a target token)}"""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    folder = output_dir / "tensorboard" / "train"
    events = EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()  # 0: all
    found = {}
    for tag in events.Tags()["tensors"]:
        if tag.startswith(TAG):
            points = events.Tensors(tag)
            values = [float(np.squeeze(make_ndarray(each.tensor_proto))) for each in points]
            found[tag.removeprefix(TAG)] = [each.step for each in points], values
    return found


def draw(found: dict[str, tuple[list[int], list[float]]]) -> Any:
    """A figure with a curve for each problem."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 3.4), layout="constrained")
    axes = figure.subplots()
    for number, (problem, (steps, values)) in enumerate(sorted(found.items())):
        line = "-" if number < len(COLOURS) else "--"
        axes.plot(steps, values, line, color=COLOURS[number % len(COLOURS)], label=problem)
    axes.set_yscale("log")
    axes.set_ylim(bottom=LEAST)
    axes.set_xlabel("step, of all problems together")
    axes.set_ylabel("log-perplexity in training")
    axes.grid(alpha=0.3, linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=9)
    return figure


def main() -> None:
    """Writes curves.svg beside this file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output_dir", type=Path, required=True, help="of a run")
    args = parser.parse_args()
    app.import_tensorflow()  # without its messages; TensorBoard would import it
    found = curves(args.output_dir)
    (HERE / "curves.svg").write_bytes(content(draw(found), "svg"))


if __name__ == "__main__":
    main()
