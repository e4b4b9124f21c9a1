"""A built-in world of coloured shapes: described in three languages, parsed, drawn and spoken."""

from t2t_mm.data.mini_world.builder import MiniWorld, MiniWorldConfig

__all__ = ["MiniWorld", "MiniWorldConfig"]
