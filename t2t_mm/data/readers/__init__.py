"""TFDS builders of ours: readers of the layouts in which people have data on disk, and the mini
world."""

import importlib
import os

from t2t_mm.errors import UserError

# Layout (also the module and the TFDS name) -> class. "generated" reads through a problem's own
# `generate`.
LAYOUTS = {
    "parallel_text": "ParallelText",
    "image_folder": "ImageFolder",
    "bracketed_trees": "BracketedTrees",
    "coco": "Coco",
    "kaldi": "Kaldi",
    "generated": "Generated",
}


def configuration(problem, layout: str) -> str:
    """Name of the data set that a problem's raw folder becomes: problems share it if they read the
    same in the same way; what a problem generates is its own."""
    if layout == "generated":
        return problem.name
    audio = (
        [side for side in (problem.inputs, problem.targets) if side.kind == "audio"]
        if layout == "kaldi"
        else []
    )
    kept = [what for what in ("functions", "traces") if getattr(problem, f"keep_{what}", False)]
    return "_".join([problem.folder, *(f"{side.sample_rate}hz" for side in audio), *kept])


def raw_builder(problem, path, data_dir, layout: str = "", log=print):
    """The TFDS builder of a problem's raw folder; it writes
    `<data_dir>/<layout>/<configuration>/1.0.0`.

    Args:
        problem: the problem; its `folder` names the data set, its keys or `generate` may say what
            is in it.
        path: the raw folder. None where `generate` needs none.
        data_dir: where data is prepared.
        layout: a name in LAYOUTS; the problem's `raw_layout` if not given.
        log: function of one str, told what was left out.
    Raises:
        UserError: there is no such layout, or not what it asks for under `path`.
    """
    layout, data_dir = layout or problem.raw_layout, os.path.expanduser(data_dir)
    if layout not in LAYOUTS:
        raise UserError(
            f"{problem.name}: there is no raw layout {layout!r}, only {', '.join(LAYOUTS)}."
        )
    module = importlib.import_module(f"t2t_mm.data.readers.{layout}")
    builder = getattr(module, LAYOUTS[layout])
    return builder.read_from(problem, path, data_dir, log)
