"""The flag --checkpoint of commands that read a trained run, and the check of it that costs
nothing."""

from absl import flags

from t2t_mm.runs.choice import CHOICES, NEWEST, chosen
from t2t_mm.runs.directory import OutputDir


def define(values: flags.FlagValues) -> None:
    """Adds --checkpoint to the flags of a command."""
    flags.DEFINE_string(
        "checkpoint", NEWEST, f"Which checkpoint to read: {CHOICES}.", flag_values=values
    )


def check(values: flags.FlagValues) -> str:
    """The path prefix of the checkpoint that --output_dir and --checkpoint name.

    Raises:
        UserError: if there is none.
    """
    return chosen(OutputDir(values.output_dir), values.checkpoint)
