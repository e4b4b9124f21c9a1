"""Flags of searching that several commands have."""

from absl import flags

from t2t_mm.config import limits


def define_length(values: flags.FlagValues) -> None:
    """Adds --decode_length to the flags of a command."""
    flags.DEFINE_integer(
        "decode_length",
        None,
        "Longest output, in symbols; twice the input's positions plus 50, at most 512, if not "
        "given (of characters and bytes four to a symbol).",
        lower_bound=1,
        upper_bound=limits.MOST_SYMBOLS,
        flag_values=values,
    )


def define_beam_size(
    values: flags.FlagValues,
    default: int = 1,
    told: str = "Hypotheses of beam search; 1: greedy.",
) -> None:
    """Adds --beam_size to the flags of a command; `told` is what --help says of it."""
    flags.DEFINE_integer(
        "beam_size",
        default,
        told,
        lower_bound=1,
        upper_bound=limits.MOST_HYPOTHESES,
        flag_values=values,
    )
