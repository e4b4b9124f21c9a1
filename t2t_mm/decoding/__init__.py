"""Decoding, in graph: greedy, beam search and sampling over a model's cached steps."""

from t2t_mm.quiet import import_tensorflow

import_tensorflow()

from t2t_mm.decoding.beam import Beam  # noqa: E402
from t2t_mm.decoding.search import Search, decode  # noqa: E402
from t2t_mm.decoding.stepping import Decoded, Greedy, Sampling  # noqa: E402

__all__ = ["Beam", "Decoded", "Greedy", "Sampling", "Search", "decode"]
