"""Decodes with a trained model: a file, a split of the data, or what is typed.

    t2t-mm-decoder --output_dir=output/mini8 --problem=mini_ende --decode_from_file=in.txt
    --decode_to_file=out.txt t2t-mm-decoder --output_dir=output/mini8 --problem=mini_ende
    --split=test --data_dir=data t2t-mm-decoder --output_dir=output/mini8 --problem=mini_ende
    --interactive

One input a line; pictures and sounds are paths. Outputs stand in the order of the inputs, an empty
line for one that can't be read. Stopped and started again, it goes on where it was. A split is
scored against its references.
"""

from absl import flags

from t2t_mm.cli import app
from t2t_mm.errors import UserError
from t2t_mm.runs.directory import OutputDir

flags.DEFINE_string("output_dir", None, "Of the training run.")
flags.DEFINE_string(
    "problem", None, "Which problem to answer; the only one, if the model has but one."
)
flags.DEFINE_string(
    "decode_from_file", None, "Inputs, one a line; a directory: the files in it; -: stdin."
)
flags.DEFINE_string("decode_to_file", None, "Where outputs go, one a line; stdout if not given.")
flags.DEFINE_string("split", None, "Decode this split of the prepared data, and score it.")
flags.DEFINE_string("data_dir", None, "Prepared data, for --split.")
flags.DEFINE_integer("examples", 0, "How many examples of --split; 0: all.", lower_bound=0)
flags.DEFINE_bool("interactive", False, "Answer lines as they are typed.")
flags.DEFINE_integer("beam_size", 1, "Hypotheses of beam search; 1: greedy.", lower_bound=1)
flags.DEFINE_float(
    "alpha", 0.6, "Length penalty of beam search; more favours longer outputs.", lower_bound=0.0
)
flags.DEFINE_integer("decode_length", 512, "Most symbols of an output.", lower_bound=1)
flags.DEFINE_float(
    "sampling_temperature",
    0.0,
    "Draw from the model at this temperature; 0: don't.",
    lower_bound=0.0,
)
flags.DEFINE_integer(
    "top_k", 0, "Draw from the k most probable symbols; 0: from all.", lower_bound=0
)
flags.DEFINE_float(
    "top_p",
    1.0,
    "Draw from the fewest symbols that have this probability together.",
    lower_bound=1e-6,
    upper_bound=1.0,
)
flags.DEFINE_integer("seed", 0, "Of drawing.", lower_bound=0)
flags.DEFINE_integer(
    "n_best",
    1,
    "Outputs a line, best first, each with its score, with tabs between.",
    lower_bound=1,
)


def main():
    """The command's work."""
    args = flags.FLAGS
    app.need("output_dir")
    sources = [name for name in ("decode_from_file", "split", "interactive") if getattr(args, name)]
    if len(sources) != 1:
        raise UserError("Give one of --decode_from_file, --split and --interactive.")
    if args.split and not args.data_dir:
        raise UserError("--split needs --data_dir, where the data is prepared.")
    OutputDir(args.output_dir).need_checkpoint()
    app.import_tensorflow()
    from t2t_mm.cli import decoding

    decoding.run(args)


def entry():
    """The console script t2t-mm-decoder."""
    app.run(main)


if __name__ == "__main__":
    entry()
