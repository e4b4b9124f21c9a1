"""Console and progress: what a person gets to see."""

import io
import json

from t2t_mm.reporting.console import Console, JsonConsole
from t2t_mm.reporting.progress import Progress, clock


def result(loss, nats=None, tokens=100.0):
    return {
        "loss": loss,
        "nats": loss if nats is None else nats,
        "tokens": tokens,
        "gradient_norm": 0.5,
        "experts": {},
    }


def test_lines_in_a_log_name_every_problem():
    out = io.StringIO()
    with Progress(Console(out), 0, 4, interval=0, line_every=0) as progress:
        progress.step(1, "toy_a", result(3.0, nats=2.0), examples=4)
        progress.step(2, "toy_b", result(5.0, nats=4.0), examples=4)
    last = out.getvalue().splitlines()[-1]
    assert last.startswith("step 2/4  loss 3.000") and "toy_a 2.000  toy_b 4.000" in last
    assert "steps/s" in last and "tokens/s" in last and "left" in last


def test_results_are_fetched_only_now_and_then():
    class Fetched(float):
        def __float__(self):
            raise AssertionError("fetched")

    with Progress(Console(io.StringIO()), 0, 4, interval=1000) as progress:
        progress.step(1, "toy", result(Fetched(1.0)), examples=4)


def test_a_bar_on_a_terminal():
    out = io.StringIO()
    out.isatty = lambda: True
    with Progress(Console(out), 0, 2, interval=0) as progress:
        progress.step(1, "toy_a", result(3.0), examples=4)
    assert "1/2" in out.getvalue() and "loss 3.000" in out.getvalue()
    assert (
        "examples/s" in out.getvalue() and "left" in out.getvalue() and "…" not in out.getvalue()
    )  # of 80 columns


def test_tables_align_numbers():
    out = io.StringIO()
    Console(out).table("Title", ["name", "count", "share"], [["a", 1234, 0.5], ["longer", 7, None]])
    assert out.getvalue() == (
        "Title\n  name    count   share\n  ------  -----  ------\n  a       1,234  0.5000\n  "
        "longer      7\n"
    )


def test_clock():
    assert [clock(s) for s in (0, 61, 3661)] == ["0:00", "1:01", "1:01:01"]


def test_a_machine_is_given_json():
    file = io.StringIO()
    console = JsonConsole(file)
    console.log("hello")
    console.table("Metrics", ["problem", "accuracy"], [["a", 0.5], ["b", None]])
    with Progress(console, 0, 2, interval=0.0, line_every=0.0) as progress:
        progress.step(1, "a", result(2.0, tokens=10.0), examples=4)
        progress.look(final=True)
    first, second, *steps = map(json.loads, file.getvalue().splitlines())
    assert first == {"message": "hello"}
    rows = [{"problem": "a", "accuracy": 0.5}, {"problem": "b", "accuracy": None}]
    assert second == {"table": "Metrics", "rows": rows}
    assert steps[-1]["step"] == 1 and steps[-1]["steps"] == 2 and steps[-1]["nats"] == {"a": 2.0}
    assert progress.totals == {"a": [1, 10.0]}


def test_a_loss_that_jumps_is_logged_with_its_problem():
    out = io.StringIO()
    with Progress(Console(out), 0, 99, interval=0) as progress:
        for step in range(40):
            progress.step(step, "toy_a", result(2.0 - step / 100), examples=4)
            progress.step(step, "toy_b", result(5.0), examples=4)
        assert "jumped" not in out.getvalue()
        progress.step(40, "toy_a", result(3.5), examples=4)
        assert "jumped" not in out.getvalue()
        progress.step(41, "toy_a", result(9.0), examples=4)
    (line,) = [line for line in out.getvalue().splitlines() if "jumped" in line]
    assert line.startswith("step 41: the loss of toy_a jumped from 2.020 to 9.000 nats per token")
    assert line.endswith("(gradient norm 0.5)")
