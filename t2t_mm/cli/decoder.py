"""Decodes with a trained model: a file, a split of the data, or what is typed.

    t2t-mm-decoder --output_dir=output/mini8 --problem=mini_ende --decode_from_file=in.txt
    t2t-mm-decoder --output_dir=output/mini8 --problem=mini_ende --split=test --data_dir=data
    t2t-mm-decoder --output_dir=output/mini8 --problem=mini_ende --interactive

One input per line; pictures and sounds are given by their paths. Outputs come in the order of the
inputs, with an empty line for one that can't be read. If stopped and restarted, it resumes where
it left off. A split is scored against its references. Sentences to be parsed are adapted to the
conventions of the treebank, unless --tokenized says that they already are.

    t2t-mm-decoder --output_dir=output/mini8 --problem=mini_ende --decode_from_file=in.txt \\
        --score_targets=given.txt

gives no outputs but the log-probability of a given target for each input, and that of each of its
pieces, with tabs between. --prefixes=file has outputs begin with the lines of a file.

    t2t-mm-decoder --output_dir=output/mini --problem=mini_language --prefixes=beginnings.txt
    t2t-mm-decoder --output_dir=output/mini --problem=mini_language --examples=5 \\
        --sampling_temperature=1

Of a problem without inputs, outputs go on from the lines of a file, or follow from nothing.

    t2t-mm-decoder --output_dir=output/mini8 --problem=mini_ende --decode_from_file=in.txt \\
        --decode_to_file=out.txt --beam=--runner=FlinkRunner,--flink_master=host:8081

has the workers of a cluster decode a very large file.
"""

from absl import flags

from t2t_mm import files
from t2t_mm.cli import app, checkpoint, search
from t2t_mm.config import limits

FLAGS = app.new_flags()
flags.DEFINE_string("output_dir", None, "Directory of the training run.", flag_values=FLAGS)
checkpoint.define(FLAGS)
flags.DEFINE_string(
    "problem",
    None,
    "Problem to answer; need not be given if the model has only one.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "decode_from_file",
    None,
    "Inputs, one per line; a directory: the files in it; -: stdin.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "decode_to_file",
    None,
    "Where outputs go, one per line, gzipped if it ends in .gz; stdout, if not given.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "score_targets",
    None,
    "Targets, one per input: their log-probabilities are given instead of outputs.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "prefixes",
    None,
    "Texts, one per input, that the outputs begin with; an empty line: none.",
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    "tokenized",
    False,
    "Texts are as the data set has them: the words of a sentence to be parsed with spaces between "
    "and -LRB- for a bracket.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "split", None, "Decode this split of the prepared data, and score it.", flag_values=FLAGS
)
flags.DEFINE_string("data_dir", None, "Prepared data, for --split.", flag_values=FLAGS)
flags.DEFINE_integer(
    "examples",
    0,
    "How many examples of --split, 0: all; of a problem without inputs, how many outputs.",
    lower_bound=0,
    upper_bound=limits.INT32,
    flag_values=FLAGS,
)
flags.DEFINE_bool("interactive", False, "Answer lines as they are typed.", flag_values=FLAGS)
search.define_beam_size(FLAGS)
flags.DEFINE_float(
    "alpha",
    0.6,
    "Length penalty of beam search; a greater one favours longer outputs.",
    lower_bound=0.0,
    upper_bound=limits.MOST_ALPHA,
    flag_values=FLAGS,
)
search.define_length(FLAGS)
flags.DEFINE_float(
    "sampling_temperature",
    0.0,
    "Sample from the model at this temperature; 0: don't sample.",
    lower_bound=0.0,
    upper_bound=limits.MOST_TEMPERATURE,
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    "top_k",
    0,
    "Sample from the k most probable symbols; 0: from all.",
    lower_bound=0,
    upper_bound=limits.INT32,
    flag_values=FLAGS,
)
flags.DEFINE_float(
    "top_p",
    1.0,
    "Sample from the fewest symbols that together have this probability.",
    lower_bound=1e-6,
    upper_bound=1.0,
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    "seed",
    0,
    "Random seed for sampling.",
    lower_bound=0,
    upper_bound=limits.INT32,
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    "n_best",
    1,
    "Outputs per line, best first, each with its score, separated by tabs.",
    lower_bound=1,
    upper_bound=limits.MOST_HYPOTHESES,
    flag_values=FLAGS,
)
flags.DEFINE_enum(
    "strategy",
    "auto",
    ["auto", "one_device", "mirrored"],
    "Devices of this machine that share out the batches; mirrored: all GPUs, without any the "
    "logical CPUs; auto: mirrored if there are several GPUs. Answers don't depend on it.",
    flag_values=FLAGS,
)
flags.DEFINE_list(
    "beam",
    [],
    "Let Apache Beam do the work, with these pipeline options: "
    "--beam=--runner=FlinkRunner,--flink_master=host:8081. All workers have to see the files. "
    "Needs pip install 't2t-mm[beam]'.",
    flag_values=FLAGS,
)
SECTIONS = {
    "input and output": (
        "decode_from_file",
        "decode_to_file",
        "score_targets",
        "prefixes",
        "tokenized",
        "split",
        "data_dir",
        "examples",
        "interactive",
    ),
    "decoding": ("beam_size", "alpha", "decode_length", "n_best"),
    "sampling": ("sampling_temperature", "top_k", "top_p", "seed"),
    "devices and machines": ("strategy", "beam"),
}


def main() -> str | None:
    """The command's work."""
    app.need(FLAGS, "output_dir")
    sources = (FLAGS.decode_from_file, FLAGS.split, FLAGS.interactive)
    without_inputs = (FLAGS.prefixes, FLAGS.score_targets, FLAGS.examples)
    if sum(map(bool, sources)) != 1 and (any(sources) or not any(without_inputs)):
        raise app.UsageError("Give one of --decode_from_file, --split and --interactive.")
    if FLAGS.split and not FLAGS.data_dir:
        raise app.UsageError("--split needs --data_dir, where the data is prepared.")
    if FLAGS.sampling_temperature and FLAGS.beam_size > 1:
        raise app.UsageError(
            "--beam_size and --sampling_temperature are two ways to decode: give one of them."
        )
    if 0 < FLAGS.sampling_temperature < limits.LEAST_TEMPERATURE:
        raise app.UsageError(
            f"--sampling_temperature is 0 or at least {limits.LEAST_TEMPERATURE}, not "
            f"{FLAGS.sampling_temperature}."
        )
    if (FLAGS.top_k or FLAGS.top_p < 1) and not FLAGS.sampling_temperature:
        raise app.UsageError(
            "--top_k and --top_p are for sampling: give a --sampling_temperature, such as 1, with "
            "them."
        )
    if FLAGS.score_targets and (FLAGS.split or FLAGS.interactive):
        raise app.UsageError("--score_targets needs --decode_from_file, with the inputs.")
    if FLAGS.score_targets and FLAGS.prefixes:
        raise app.UsageError(
            "--score_targets gives whole outputs and --prefixes beginnings: give one of them."
        )
    if FLAGS.prefixes and FLAGS.interactive:
        raise app.UsageError("--prefixes has a line per input, of a file or a split.")
    if FLAGS.beam:
        _check_beam()
    checkpoint.check(FLAGS)
    if FLAGS.decode_to_file:
        files.check_output(FLAGS.decode_to_file, "decode_to_file")
    app.import_tensorflow()
    from t2t_mm.cli import beam_decoding, decoding

    (beam_decoding if FLAGS.beam else decoding).run(FLAGS)
    return FLAGS.decode_to_file


def _check_beam() -> None:
    """Refuses what does not go with --beam."""
    if odd := next((each for each in FLAGS.beam if not each.startswith("--")), None):
        raise app.UsageError(
            "--beam takes options of an Apache Beam pipeline, such as --beam=--runner=DirectRunner,"
            f" not {odd}; the width of beam search is --beam_size."
        )
    if FLAGS.decode_from_file in (None, "-") or not FLAGS.decode_to_file:
        raise app.UsageError(
            "--beam decodes a file to a file: give --decode_from_file and --decode_to_file."
        )
    if FLAGS.prefixes or FLAGS.score_targets:
        raise app.UsageError("--prefixes and --score_targets are not for --beam.")
    if not files.is_replaced(FLAGS.decode_to_file):
        raise app.UsageError(f"--decode_to_file={FLAGS.decode_to_file}: --beam needs a file.")


def entry() -> None:
    """The console script t2t-mm-decoder."""
    app.run(main, FLAGS, sections=SECTIONS)


if __name__ == "__main__":
    entry()
