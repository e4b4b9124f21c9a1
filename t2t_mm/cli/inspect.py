"""Shows examples of prepared problems: text beside its pieces, trees drawn, pictures and
spectrograms on a sheet.

    t2t-mm-inspect --problems=wmt_ende+imagenet --data_dir=data

Then how long examples are, how they fall into buckets, and what is too long to be trained on.
"""

import pathlib

from absl import flags

from t2t_mm import mixtures, registry
from t2t_mm.cli import app
from t2t_mm.config import hparams_files

SCAN = 4_000  # examples that lengths are measured on
SHEET = 24  # examples on a sheet

flags.DEFINE_string("problems", None, "Problems or mixtures to look at, joined with +.")
flags.DEFINE_string("data_dir", None, "Prepared data and vocabularies.")
flags.DEFINE_string("split", "train", "Split to take examples from.")
flags.DEFINE_integer("examples", 4, "How many examples to show as text.", lower_bound=0)
flags.DEFINE_string(
    "sheet_dir", None, "Where sheets of pictures go; if not given: <data_dir>/sheets."
)
flags.DEFINE_string(
    "hparams_set", "multimodel_tiny", "Hparams that say what is too long, and how big pictures are."
)
flags.DEFINE_string("hparams", "", "Changes to single hparams: max_input_length=100,image_size=128")


def main():
    """The command's work."""
    args = flags.FLAGS
    app.need("problems", "data_dir")
    names = mixtures.parse(args.problems)
    hparams = hparams_files.resolve(args.hparams_set, [], [], args.hparams)
    app.import_tensorflow()
    from t2t_mm.reporting.console import Console

    problems = [registry.problem(name).resolve(args.data_dir, hparams) for name in names]
    sheets = pathlib.Path(args.sheet_dir or pathlib.Path(args.data_dir, "sheets")).expanduser()
    for problem in problems:
        _show(Console(), problem, hparams, args.split, args.examples, sheets)


def _show(console, problem, hparams, split, count, sheets):
    from t2t_mm.reporting import examples, lengths

    counts = ", ".join(f"{number:,} {name}" for name, number in problem.splits().items())
    console.log(
        f"{problem.name}: {problem.description} {counts} examples in {problem.builder.data_path}"
    )
    shown = examples.read(problem, split, SHEET)
    for number, example in enumerate(shown[:count], 1):
        console.log("\n".join([f"{number}.", *examples.lines_of(problem, example)]))
    if problem.inputs.kind in ("image", "audio"):
        path = _sheet(problem, split, shown, sheets)
        console.log(f"A sheet of {len(shown)} examples as the net is given them: {path}")
    if "train" in problem.splits():
        console.table("Lengths (training split)", *lengths.table(problem, hparams, SCAN))
        console.table(
            f"Buckets (batch_size={hparams.batch_size})", *lengths.buckets(problem, hparams, SCAN)
        )
    console.log()


def _sheet(problem, split, shown, folder):
    import numpy as np

    from t2t_mm.reporting import sheets

    cells = []
    for example in shown:
        target = np.atleast_1d(example["targets"])[0]
        text = (
            target.decode("utf-8")
            if problem.targets.kind == "language"
            else problem.targets.decode([target])
        )
        cells.append((sheets.drawn(problem, example["inputs"]), text))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{problem.name}_{split}.png"
    path.write_bytes(sheets.sheet(cells))
    return path


def entry():
    """The console script t2t-mm-inspect."""
    app.run(main)


if __name__ == "__main__":
    entry()
