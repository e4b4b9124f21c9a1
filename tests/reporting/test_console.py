"""Where a run logs."""

import io
import json
import math

import numpy as np

from t2t_mm.reporting.console import JsonConsole


def test_lines_for_machines_are_json_whatever_the_numbers():
    out = io.StringIO()
    console = JsonConsole(out)
    console.record("", loss=math.nan, each={"a": np.float32("inf"), "b": np.float64("-inf")})
    console.table("t", ["x", "y"], [[1, math.inf], [np.int64(2), np.float32(0.5)]])

    def no_number(text):
        raise AssertionError(f"{text} is no JSON")

    first, second = (
        json.loads(line, parse_constant=no_number) for line in out.getvalue().splitlines()
    )
    assert first == {"loss": None, "each": {"a": None, "b": None}}
    assert second == {"table": "t", "rows": [{"x": 1, "y": None}, {"x": 2, "y": 0.5}]}
