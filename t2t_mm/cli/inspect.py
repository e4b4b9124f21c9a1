"""Shows examples of prepared problems: text beside its pieces, trees drawn, pictures and
spectrograms on a sheet.

    t2t-mm-inspect --problems=wmt_ende+imagenet --data_dir=data

Then how long examples are, how they fall into buckets, and what is too long to be trained on.
"""

import pathlib
from typing import Any

from absl import flags

from t2t_mm import files, mixtures, registry
from t2t_mm.cli import app
from t2t_mm.config import limits

SCAN = 4_000  # examples that lengths are measured on
SHEET = 24  # examples on a sheet

FLAGS = app.new_flags()
flags.DEFINE_string(
    "problems", None, "Problems or mixtures to look at, joined with +.", flag_values=FLAGS
)
flags.DEFINE_string("data_dir", None, "Prepared data and vocabularies.", flag_values=FLAGS)
flags.DEFINE_string("split", "train", "Split to take examples from.", flag_values=FLAGS)
flags.DEFINE_integer(
    "examples",
    4,
    "How many examples to show as text.",
    lower_bound=0,
    upper_bound=limits.INT32,
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "sheet_dir",
    None,
    "Where sheets of pictures go; if not given: <data_dir>/sheets.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "hparams_set",
    "multimodel_tiny",
    "Hparams that say what is too long, and how big pictures are.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "hparams",
    "",
    "Changes to single hparams: max_input_length=100,image_size=128",
    flag_values=FLAGS,
)


def main() -> None:
    """The command's work."""
    app.need(FLAGS, "problems", "data_dir")
    names = mixtures.parse(FLAGS.problems)
    from t2t_mm.config import hparams_files

    hparams = hparams_files.resolve(FLAGS.hparams_set, overrides=FLAGS.hparams)
    sheets = pathlib.Path(FLAGS.sheet_dir or pathlib.Path(FLAGS.data_dir, "sheets")).expanduser()
    if FLAGS.sheet_dir:
        files.check_output_folder(sheets, "sheet_dir")
    app.import_tensorflow()
    from t2t_mm.data.prepare import tell_of_changes
    from t2t_mm.reporting.console import Console

    problems = [registry.problem(name).resolve(FLAGS.data_dir, hparams) for name in names]
    tell_of_changes(problems, Console().log)
    for problem in problems:
        _show(Console(), problem, hparams, sheets)


def _show(console: Any, problem: Any, hparams: Any, sheets: pathlib.Path) -> None:
    from t2t_mm.reporting import examples, lengths

    counts = ", ".join(f"{number:,} {name}" for name, number in problem.splits().items())
    console.log(
        f"{problem.name}: {problem.description} {counts} examples in {problem.builder.data_path}"
    )
    shown = examples.read(problem, FLAGS.split, SHEET)
    for number, example in enumerate(shown[: FLAGS.examples], 1):
        console.log("\n".join([f"{number}.", *examples.lines_of(problem, example)]))
    path = _sheet(problem, shown, sheets)
    if path:
        console.log(f"A sheet of {len(shown)} examples as the net is given them: {path}")
    if "train" in problem.splits():
        console.table("Lengths (training split)", *lengths.table(problem, hparams, SCAN))
        console.table(
            f"Buckets (batch_size={hparams.batch_size})", *lengths.buckets(problem, hparams, SCAN)
        )
    console.log()


def _sheet(problem: Any, shown: list[dict], folder: pathlib.Path) -> pathlib.Path | None:
    """Writes the sheet of a problem's inputs; None if they are no pictures, and can't be drawn."""
    import tensorflow as tf

    from t2t_mm.reporting import sheets

    cells = []
    for example in shown:
        raw = tf.nest.map_structure(tf.convert_to_tensor, example["inputs"])
        picture = sheets.drawn(problem, problem.encode_inputs(raw))
        if picture is None:
            return None
        cells.append((picture, problem.targets.texts(example["targets"])[0]))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{problem.name}_{FLAGS.split}.png"
    files.write_bytes(path, sheets.sheet(cells))
    return path


def entry() -> None:
    """The console script t2t-mm-inspect."""
    app.run(main, FLAGS)


if __name__ == "__main__":
    entry()
