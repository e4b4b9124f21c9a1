"""What TensorBoard gets to see, read with its own package."""

import numpy as np
import tensorflow as tf
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.context import RequestContext
from tensorboard.plugin_util import markdown_to_safe_html
from tensorboard.plugins.audio import metadata as audio
from tensorboard.plugins.base_plugin import TBContext
from tensorboard.plugins.hparams.api_pb2 import STATUS_UNKNOWN, ListSessionGroupsRequest
from tensorboard.plugins.hparams.backend_context import Context
from tensorboard.plugins.hparams.list_session_groups import Handler

from t2t_mm.config.run import RunConfig
from t2t_mm.reporting.heat_map import heat_map
from t2t_mm.reporting.tensorboard import (
    Summaries,
    evaluation_scalars,
    expert_histograms,
    part_of,
    settings,
    train_scalars,
)
from tests.toys import TINY


def result(loss):
    return {"loss": loss, "nats": loss, "tokens": 100.0, "gradient_norm": 0.5, "experts": {}}


def written(folder, loss, settings):
    """A run of two points of training and one evaluation of each of two splits."""
    summaries = Summaries(folder, settings)
    for step in (50, 100):
        summaries.scalars(step, train_scalars("toy", result(loss)))
    for split in ("validation", "train"):
        summaries.hparams(part_of(split))
        found = evaluation_scalars({"toy": {"examples": 3, "log_perplexity": loss / 2}})
        summaries.scalars(100, found, part_of(split))
    summaries.flush()


def read(folder):
    """The runs under a log directory, as TensorBoard knows them."""
    runs = EventMultiplexer().AddRunsFromDirectory(str(folder))
    runs.Reload()
    return runs


def test_scalars_are_what_tensorboard_reads(tmp_path):
    experts = {"encoder": {"importance": [1.0, 3.0], "load": [2.0, 2.0], "dropped": 0.25}}
    values = train_scalars("toy", {**result(2.0), "experts": experts})
    values |= evaluation_scalars({"toy": {"examples": 3, "tokens": 5, "accuracy": 0.5}})
    summaries = Summaries(tmp_path)
    summaries.scalars(7, values)
    summaries.flush()
    found = {}
    for event in tf.compat.v1.train.summary_iterator(str(next((tmp_path / "train").iterdir()))):
        for value in event.summary.value:
            assert event.step == 7 and value.metadata.plugin_data.plugin_name == "scalars"
            found[value.tag] = float(tf.make_ndarray(value.tensor))
    assert found == {
        "loss/toy": 2.0,
        "log_perplexity/toy": 2.0,
        "gradient_norm/toy": 0.5,
        "accuracy/toy": 0.5,
        "experts_encoder/importance_max_over_mean/toy": 1.5,
        "experts_encoder/load_max_over_mean/toy": 1.0,
        "experts_encoder/dropped/toy": 0.25,
    }


def test_tensorboard_reads_histograms_texts_and_pictures(tmp_path):
    report = {"importance": np.arange(8.0), "load": np.ones(8), "dropped": 0.0}
    summaries = Summaries(tmp_path)
    summaries.histograms(
        7, expert_histograms("toy", result(2.0) | {"experts": {"encoder": report}})
    )
    summaries.texts(7, {"decoded": "output: a\nreference: b"})
    png = heat_map({"toy": np.arange(8.0), "other": np.zeros(8)})
    summaries.pictures(7, {"map": png})
    summaries.flush()
    found = EventAccumulator(str(tmp_path / "train"))
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


def test_sounds_are_heard_and_written_once(tmp_path):
    summaries = Summaries(tmp_path)
    for step in (50, 100):
        summaries.sounds(step, {"sounds/toy": [b"RIFF a", b"RIFF b"]}, "validation")
    summaries.flush()
    provider = MultiplexerDataProvider(read(tmp_path), str(tmp_path))
    found = provider.read_blob_sequences(
        RequestContext(), experiment_id="", plugin_name="audio", downsample=9
    )
    (point,) = found["validation"]["sounds/toy"]
    assert point.step == 50
    heard = [provider.read_blob(RequestContext(), blob_key=v.blob_key) for v in point.values]
    assert heard == [b"RIFF a", b"RIFF b"]
    (one,) = provider.list_blob_sequences(RequestContext(), experiment_id="", plugin_name="audio")[
        "validation"
    ].values()
    assert audio.parse_plugin_metadata(one.plugin_content).encoding == audio.Encoding.Value("WAV")


def test_settings_are_a_table():
    table = settings(TINY)
    shown = markdown_to_safe_html(table.replace("\n", "  \n"))  # as `texts` writes it
    assert shown.count("<tr>") == 1 + len(TINY.fields())
    assert "<td><code>'adam'</code></td>" in shown and "experts &#124; equal_flops" in shown


def test_the_graph_is_that_which_is_given(tmp_path):
    graph = tf.compat.v1.GraphDef()
    graph.node.add(name="encoder/call", op="Encoder")
    summaries = Summaries(tmp_path)
    summaries.graph(graph)
    summaries.flush()
    found = EventAccumulator(str(tmp_path / "train"))
    found.Reload()
    assert [node.name for node in found.Graph().node] == ["encoder/call"]


def test_training_and_validation_share_a_chart(tmp_path):
    """A chart is a tag, with a curve for each folder that has it."""
    written(tmp_path, 2.0, {})
    runs = read(tmp_path)
    tag, curves = "log_perplexity/toy", {}
    for run, found in runs.Runs().items():
        if tag in found["tensors"]:
            points = runs.Tensors(run, tag)
            curves[run] = [(each.step, tf.make_ndarray(each.tensor_proto)) for each in points]
    assert curves == {
        "train": [(50, 2.0), (100, 2.0)],
        "validation": [(100, 1.0)],
        "train_evaluated": [(100, 1.0)],
    }


def test_the_page_of_hparams_has_a_row_for_each_run_and_split(tmp_path):
    settings = TINY.to_dict() | RunConfig(problems="toy", seed=3).decisive()
    written(tmp_path / "a", 2.0, settings)
    written(tmp_path / "b", 4.0, settings | {"dropout": 0.5})
    provider = MultiplexerDataProvider(read(tmp_path), str(tmp_path))
    context, request = Context(TBContext(data_provider=provider)), RequestContext()
    content = context.hparams_metadata(request, "")
    page = context.experiment_from_metadata(request, "", True, content, [])
    found = {info.name for info in page.hparam_infos}
    assert found == set(settings) and {"problems", "model", "seed", "hidden_size"} <= found
    assert [info.name for info in page.hparam_infos if info.differs] == ["dropout"]
    assert [info.name.tag for info in page.metric_infos] == ["log_perplexity/toy"]
    wanted = ListSessionGroupsRequest(slice_size=9, allowed_statuses=[STATUS_UNKNOWN])
    rows = Handler(request, context, "", wanted).run()
    shown = {
        row.name: (
            row.hparams["dropout"].number_value,
            row.hparams["problems"].string_value,
            row.hparams["attention"].bool_value,
            row.metric_values[0].value,
        )
        for row in rows.session_groups
    }
    assert shown == {
        "a/validation": (0.0, "toy", True, 1.0),
        "a/train_evaluated": (0.0, "toy", True, 1.0),
        "b/validation": (0.5, "toy", True, 2.0),
        "b/train_evaluated": (0.5, "toy", True, 2.0),
    }


def test_without_settings_there_is_no_page(tmp_path):
    written(tmp_path, 2.0, {})
    tags = {tag for found in read(tmp_path).Runs().values() for tag in found["tensors"]}
    assert "log_perplexity/toy" in tags and not any("hparams" in tag for tag in tags)
