"""Parts of a body that are compiled one by one, where it can't be compiled as a whole."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

_calls = threading.local()  # replicas are threads, which stop within for each other


@contextlib.contextmanager
def one_by_one(run_part: Callable | None) -> Iterator[None]:
    """In this context `run` has `run_part` call each part (models.base.ProblemModel.run_part)."""
    before, _calls.run_part = getattr(_calls, "run_part", None), run_part
    try:
        yield
    finally:
        _calls.run_part = before


def run(layer: Any, function: Callable, *tensors: Any, **options: Any) -> Any:
    """`function(*tensors, **options)`, which is a part within `one_by_one`.

    Args:
        layer: the one that the part is of.
        function: the layer, a method of it, or a function around it.
        tensors, options: as `run_part` takes them.
    """
    run_part = getattr(_calls, "run_part", None)
    if run_part is None:
        return function(*tensors, **options)
    name = f"{layer.name} {id(layer)} {getattr(function, '__name__', '')}"
    with one_by_one(None):  # what it calls is in its graph
        return run_part(name, function, *tensors, **options)
