"""Prepares the data and the vocabularies of problems, so that training can start at once.

    t2t-mm-datagen --problems=wmt_ende+imagenet+wsj_parse --raw_dir=raw --data_dir=data

Killed at any moment and started again, it goes on where it was. Problems whose data is missing
don't stop the others; what they need is said at the end. --catalogue says what each problem needs,
and where to get it.
"""

import os

from absl import flags

from t2t_mm import mixtures, registry
from t2t_mm.cli import app
from t2t_mm.errors import UserError

flags.DEFINE_string("problems", None, "Problems or mixtures to prepare, joined with +.")
flags.DEFINE_string("data_dir", None, "Where to write data and vocabularies.")
flags.DEFINE_string("raw_dir", None, "Your own data, one folder a problem.")
flags.DEFINE_string(
    "manual_dir",
    None,
    "Where the files lie that stock data sets want fetched by hand; if not given: "
    "<data_dir>/downloads/manual.",
)
flags.DEFINE_string(
    "hparams_set",
    "multimodel_tiny",
    "Hparams of the runs to come; vocabularies hang on parse_vocab.",
)
flags.DEFINE_string("hparams", "", "Changes to single hparams: parse_vocab=shared")
flags.DEFINE_integer(
    "workers", None, "Processes that make examples; if not given, one for each core.", lower_bound=1
)
flags.DEFINE_list(
    "beam",
    [],
    "Have Apache Beam do the work, with these pipeline options: "
    "--beam=--runner=FlinkRunner,--flink_master=host:8081. "
    "Needs pip install 't2t-mm[beam]'.",
)
flags.DEFINE_bool(
    "catalogue", False, "Print the catalogue of problems as a Markdown table, and end."
)


def main():
    """The command's work."""
    args = flags.FLAGS
    if args.catalogue:
        from t2t_mm.cli import catalogue

        print(catalogue.table())
        return
    app.need("problems", "data_dir")
    names = mixtures.parse(args.problems)
    from t2t_mm.config import hparams_files

    hparams = hparams_files.resolve(args.hparams_set, [], [], args.hparams)
    problems = [registry.problem(name).configure(hparams) for name in names]
    _prepare(problems, args)


def _prepare(problems, args):
    app.import_tensorflow()
    from t2t_mm.data.prepare import prepare
    from t2t_mm.data.writing.options import Options
    from t2t_mm.reporting.console import Console
    from t2t_mm.reporting.preparing import Preparing

    console, missing = Console(), []
    with Preparing(console) as shown:
        options = Options(
            args.workers or os.cpu_count() or 1, shown, tuple(args.beam), args.manual_dir or ""
        )
        there = prepare(
            problems, args.data_dir, args.raw_dir, console.log, options, missing=missing
        )
    console.table(f"Prepared in {args.data_dir}", *_table(there))
    if missing:
        told = "; ".join(f"({number}) {error}" for number, error in enumerate(missing, 1))
        raise UserError(f"{len(missing)} of {len(problems)} problems could not be prepared: {told}")


def _table(problems):
    from t2t_mm.reporting.preparing import size

    rows = []
    for problem in problems:
        infos = problem.builder.info.splits
        for split, name in problem.stored_splits().items():
            parts = [infos[part] for part in name.split("+")]
            rows.append(
                [
                    problem.name,
                    split,
                    sum(part.num_examples for part in parts),
                    size(sum(part.num_bytes for part in parts)),
                    str(problem.builder.data_path),
                ]
            )
    return ["problem", "split", "examples", "size", "data set"], rows


def entry():
    """The console script t2t-mm-datagen."""
    app.run(main)


if __name__ == "__main__":
    entry()
