"""Decoding, in graph: greedy, beam search and sampling over a model's cached steps."""

from t2t_mm.decoding.beam import Beam
from t2t_mm.decoding.search import Search, decode
from t2t_mm.decoding.stepping import Decoded, Greedy, Sampling

__all__ = ["Beam", "Decoded", "Greedy", "Sampling", "Search", "decode"]
