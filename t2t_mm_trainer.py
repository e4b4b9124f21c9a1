"""Trains and evaluates one model on one or several problems.

    t2t_mm_trainer.py --problems=mini8 --hparams_set=multimodel_tiny --data_dir=data
    --output_dir=out --generate_data

The same command again goes on from the last checkpoint. --registry_help lists problems and hparams
sets.
"""

from absl import flags

from t2t_mm.cli import app

MODES = ("train_and_evaluate", "train", "evaluate")
SPLITS = ("train", "validation", "test")
STRATEGIES = ("auto", "one_device", "mirrored", "multi_worker", "tpu")

FLAGS = app.new_flags()
flags.DEFINE_string(
    "problems",
    None,
    "Problems or mixtures, joined with +, each with a weight if wanted: a:2+b. "
    "--mode=evaluate: those of the run, if not given.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "hparams_set",
    None,
    "Named hparams, with modifiers: set+modifier. If not given: multimodel_tiny, "
    "but --mode=evaluate takes what is in --output_dir.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "hparams", "", "Changes to single hparams: hidden_size=256,dropout=0.2", flag_values=FLAGS
)
flags.DEFINE_multi_string(
    "gin_file", [], "Gin files that bind hparams; may be repeated.", flag_values=FLAGS
)
flags.DEFINE_multi_string(
    "gin_bindings",
    [],
    "Gin bindings, such as hparams.hidden_size=256; may be repeated.",
    flag_values=FLAGS,
)
flags.DEFINE_string("model", "multimodel", "Registered model.", flag_values=FLAGS)
flags.DEFINE_string("data_dir", None, "Prepared data and vocabularies.", flag_values=FLAGS)
flags.DEFINE_string(
    "raw_dir",
    None,
    "Your own data, one folder a problem; needed with --generate_data alone.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "output_dir", None, "Checkpoints, hparams, metrics and TensorBoard logs.", flag_values=FLAGS
)
flags.DEFINE_bool(
    "generate_data",
    False,
    "Prepare data and vocabularies first, where they aren't yet.",
    flag_values=FLAGS,
)
flags.DEFINE_enum("mode", MODES[0], MODES, "What to do.", flag_values=FLAGS)
flags.DEFINE_integer(
    "train_steps",
    1000,
    "Steps of the whole run, counted from the first.",
    lower_bound=1,
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    "eval_steps",
    0,
    "Batches of each problem in an evaluation; 0: the whole split.",
    lower_bound=0,
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    "eval_every",
    1000,
    "Steps between evaluations; 0: only at the end.",
    lower_bound=0,
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    "decode_examples",
    0,
    "Examples of each problem that an evaluation also decodes and scores: BLEU, WER, ...",
    lower_bound=0,
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    "save_every", 500, "Steps between checkpoints.", lower_bound=1, flag_values=FLAGS
)
flags.DEFINE_integer(
    "keep_checkpoints",
    3,
    "How many of the newest checkpoints to keep.",
    lower_bound=1,
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "keep_best",
    "",
    "Keep the checkpoint that is best by this metric: wmt_ende/log_perplexity.",
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    "patience",
    0,
    "Evaluations without a better --keep_best after which training ends; 0: never.",
    lower_bound=0,
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "warm_start_from",
    "",
    "Output directory of another run: its weights are the initial values where they fit.",
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    "warm_start_rescale",
    False,
    "Bring the loaded body's matrices to the size of fresh ones: for problems that the other run "
    "has never seen.",
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    "skip_nonfinite",
    False,
    "Skip steps whose loss or gradient is not finite, and count them.",
    flag_values=FLAGS,
)
flags.DEFINE_enum(
    "strategy",
    "auto",
    STRATEGIES,
    "Devices to train on; multi_worker reads TF_CONFIG, auto takes what is there.",
    flag_values=FLAGS,
)
flags.DEFINE_enum(
    "precision",
    "float32",
    ("float32", "bfloat16"),
    "bfloat16 keeps weights and losses in float32.",
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    "jit_compile",
    False,
    "Compile with XLA: faster on accelerators, each shape of batch once.",
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    "steps_per_execution",
    1,
    "Steps given to the device before it is waited for.",
    lower_bound=1,
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    "deterministic",
    False,
    "Operations that give the same bits each time, where others are faster.",
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    "continuous",
    False,
    "With --mode=evaluate: evaluate every new checkpoint of a run, until that of --train_steps.",
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    "log_json", False, "Print one JSON object a line, for machines.", flag_values=FLAGS
)
flags.DEFINE_enum("eval_split", "validation", SPLITS, "Split to evaluate on.", flag_values=FLAGS)
flags.DEFINE_integer(
    "seed",
    0,
    "Of initial values, sampling, order of the data and dropout.",
    lower_bound=0,
    flag_values=FLAGS,
)


def main() -> None:
    """The command's work."""
    from t2t_mm.cli import trainer

    trainer.run(FLAGS)


def entry() -> None:
    """The console script t2t-mm-trainer."""
    app.run(main, FLAGS)


if __name__ == "__main__":
    entry()
