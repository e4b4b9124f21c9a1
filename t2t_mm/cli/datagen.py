"""Prepares the data and the vocabularies of problems, so that training can start at once.

    t2t-mm-datagen --problems=wmt_ende+imagenet+wsj_parse --raw_dir=raw --data_dir=data

If killed and started again, it resumes where it left off. Problems whose data is missing
don't stop the others; what they need is said at the end. --catalogue says what each problem needs,
and where to get it.
"""

import os
from typing import Any

from absl import flags

from t2t_mm import files, mixtures, registry
from t2t_mm.cli import app
from t2t_mm.errors import UserError

FLAGS = app.new_flags()
flags.DEFINE_string(
    "problems", None, "Problems or mixtures to prepare, joined with +.", flag_values=FLAGS
)
flags.DEFINE_string("data_dir", None, "Where to write data and vocabularies.", flag_values=FLAGS)
flags.DEFINE_string("raw_dir", None, "Your own data, one folder per problem.", flag_values=FLAGS)
flags.DEFINE_string(
    "manual_dir",
    None,
    "Files of stock data sets that have to be downloaded by hand; if not given: "
    "<data_dir>/downloads/manual.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "hparams_set",
    "multimodel_tiny",
    "Hparams of the later runs; vocabularies depend on parse_vocab.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "hparams", "", "Changes to single hparams: parse_vocab=shared", flag_values=FLAGS
)
flags.DEFINE_integer(
    "workers",
    None,
    "Processes that make examples; if not given, one per core.",
    lower_bound=1,
    upper_bound=1000,
    flag_values=FLAGS,
)
flags.DEFINE_list(
    "beam",
    [],
    "Let Apache Beam do the work, with these pipeline options: "
    "--beam=--runner=FlinkRunner,--flink_master=host:8081. "
    "Needs pip install 't2t-mm[beam]'.",
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    "again",
    False,
    "Prepare data and vocabularies again even where they exist.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "hold_out",
    "",
    "Splits to cut from the training examples where they have no files of their own: "
    "validation:0.05+test:0.05+seed:1",
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    "catalogue",
    False,
    "Print the catalogue of problems as a Markdown table, and end.",
    flag_values=FLAGS,
)


def main() -> str | None:
    """The command's work."""
    if FLAGS.catalogue:
        from t2t_mm.cli import catalogue

        print(catalogue.table())
        return None
    app.need(FLAGS, "problems", "data_dir")
    names = mixtures.parse(FLAGS.problems)
    if not os.path.isdir(FLAGS.data_dir):  # one that is complete need not be written to
        files.check_output_folder(FLAGS.data_dir, "data_dir")
    from t2t_mm.config import hparams_files
    from t2t_mm.config.hold_out import HoldOut

    HoldOut.parse(FLAGS.hold_out, "--hold_out")
    hparams = hparams_files.resolve(FLAGS.hparams_set, overrides=FLAGS.hparams)
    _prepare([registry.problem(name).configure(hparams) for name in names])
    return FLAGS.data_dir


def _prepare(problems: list[Any]) -> None:
    app.import_tensorflow()
    from t2t_mm.data.prepare import prepare
    from t2t_mm.data.writing.options import Options
    from t2t_mm.reporting.console import Console
    from t2t_mm.reporting.preparing import Preparing

    console, missing = Console(), list[UserError]()
    workers = FLAGS.workers or os.cpu_count() or 1
    with Preparing(console) as shown:
        options = Options(
            workers,
            shown,
            tuple(FLAGS.beam),
            FLAGS.manual_dir or "",
            again=FLAGS.again,
            hold_out=FLAGS.hold_out,
        )
        prepared = prepare(
            problems, FLAGS.data_dir, FLAGS.raw_dir, console.log, options, missing=missing
        )
    console.table(f"Prepared in {FLAGS.data_dir}", *_table(prepared))
    if missing:
        causes = "; ".join(f"({number}) {error}" for number, error in enumerate(missing, 1))
        raise UserError(
            f"{len(missing)} of {len(problems)} problems could not be prepared: {causes}"
        )


def _table(problems: list[Any]) -> tuple[list[str], list[list[Any]]]:
    """Columns and rows: what was prepared of each problem's splits."""
    from t2t_mm.reporting.preparing import size

    rows = []
    for problem in problems:
        infos = problem.builder.info.splits
        for split, name in problem.stored_splits().items():
            parts = [infos[part] for part in name.split("+")]
            examples = sum(part.num_examples for part in parts)
            written = size(sum(part.num_bytes for part in parts))
            rows.append([problem.name, split, examples, written, str(problem.builder.data_path)])
    return ["problem", "split", "examples", "size", "data set"], rows


def entry() -> None:
    """The console script t2t-mm-datagen."""
    app.run(main, FLAGS)


if __name__ == "__main__":
    entry()
