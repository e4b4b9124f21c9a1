"""The flag of how long outputs may be, which the decoder and the exporter have."""

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
