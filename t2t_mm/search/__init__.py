"""Decoding, in graph: greedy, beam search and sampling over a model's cached steps."""

from t2t_mm.search.beam import Beam
from t2t_mm.search.decoding import Search, decode
from t2t_mm.search.stepping import Decoded, Greedy, Sampling

__all__ = ["Beam", "Decoded", "Greedy", "Sampling", "Search", "decode"]
