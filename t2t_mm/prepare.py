"""Preparation of data under the module's former name, which users' files import."""

from t2t_mm.data.prepare import prepare, resolve

__all__ = ["prepare", "resolve"]
