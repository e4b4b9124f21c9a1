"""The flag --checkpoint of commands that read a trained run, and the check of it that costs
nothing."""

from absl import flags


def define(values: flags.FlagValues) -> None:
    """Adds --checkpoint to the flags of a command."""
    flags.DEFINE_string(
        "checkpoint",
        "newest",
        "Which checkpoint to read: newest, best (what --keep_best kept) or a step.",
        flag_values=values,
    )


def check(values: flags.FlagValues) -> str:
    """The path prefix of the checkpoint that --output_dir and --checkpoint name.

    Raises:
        UserError: if there is none.
    """
    from t2t_mm.runs.choice import chosen
    from t2t_mm.runs.directory import OutputDir

    return chosen(OutputDir(values.output_dir), values.checkpoint)
