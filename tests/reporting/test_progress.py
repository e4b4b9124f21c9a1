"""Console, progress and summaries: what a person and TensorBoard get to see."""

import io
import json

import numpy as np
import tensorflow as tf

from t2t_mm.reporting.console import Console, JsonConsole
from t2t_mm.reporting.heat_map import heat_map
from t2t_mm.reporting.progress import Progress, clock
from t2t_mm.reporting.tensorboard import (
    Summaries,
    evaluation_scalars,
    expert_histograms,
    train_scalars,
)


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


def test_scalars_are_what_tensorboard_reads(tmp_path):
    experts = {"encoder": {"importance": [1.0, 3.0], "load": [2.0, 2.0], "dropped": 0.25}}
    values = train_scalars("toy", {**result(2.0), "experts": experts})
    values |= evaluation_scalars(
        "validation", {"toy": {"examples": 3, "tokens": 5, "accuracy": 0.5}}
    )
    summaries = Summaries(tmp_path)
    summaries.scalars(7, values)
    summaries.flush()
    found = {}
    for event in tf.compat.v1.train.summary_iterator(str(next(tmp_path.iterdir()))):
        for value in event.summary.value:
            assert event.step == 7 and value.metadata.plugin_data.plugin_name == "scalars"
            found[value.tag] = float(tf.make_ndarray(value.tensor))
    assert found == {
        "loss/toy": 2.0,
        "log_perplexity/toy": 2.0,
        "gradient_norm/toy": 0.5,
        "accuracy_validation/toy": 0.5,
        "experts_encoder/importance_max_over_mean/toy": 1.5,
        "experts_encoder/load_max_over_mean/toy": 1.0,
        "experts_encoder/dropped/toy": 0.25,
    }


def test_tensorboard_reads_histograms_texts_and_pictures(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    report = {"importance": np.arange(8.0), "load": np.ones(8), "dropped": 0.0}
    summaries = Summaries(tmp_path)
    summaries.histograms(
        7, expert_histograms("toy", result(2.0) | {"experts": {"encoder": report}})
    )
    summaries.texts(7, {"decoded": "output: a\nreference: b"})
    png = heat_map({"toy": np.arange(8.0), "other": np.zeros(8)})
    summaries.pictures(7, {"map": png})
    summaries.flush()
    found = EventAccumulator(str(tmp_path))
    found.Reload()
    assert set(found.Tags()["tensors"]) == {
        "experts_encoder/importance/toy",
        "experts_encoder/load/toy",
        "decoded",
        "map",
    }
    values = {
        tag: tf.make_ndarray(found.Tensors(tag)[0].tensor_proto) for tag in found.Tags()["tensors"]
    }
    assert values["experts_encoder/importance/toy"].shape == (30, 3)
    assert values["experts_encoder/importance/toy"][:, 2].sum() == 8
    assert values["decoded"].item() == b"output: a  \nreference: b"
    width, height, content = values["map"]
    assert content == png and tf.io.decode_png(png).shape == (int(height), int(width), 3)
    plugins = {tag: found.SummaryMetadata(tag).plugin_data.plugin_name for tag in values}
    assert plugins["decoded"] == "text" and plugins["map"] == "images"


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
