"""The private API of other packages that we use is there, and does what we use it for."""

import gc
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import config  # nothing public ends determinism

from t2t_mm import compat


def test_a_tokenizer_with_a_named_resource_outlives_a_new_seed(tmp_path):
    from t2t_mm.modalities.language.vocabulary_training import train_subwords

    vocabulary = train_subwords(["some text to learn from"] * 3, tmp_path / "v.model", 300)
    before = vocabulary.tokenize("some text").numpy()
    tf.random.set_seed(1)  # drops all kernels, and the resources that they own
    assert list(vocabulary.tokenize("some text").numpy()) == list(before)


# ---- TensorFlow's graphs


def test_functions_of_a_package_are_not_rewritten_for_graphs(monkeypatch):
    from tensorflow.python.autograph.core import config as autograph

    def signs(numbers):
        def sign(number):
            if number > 0:
                return 1
            return 0

        return list(numbers.map(sign).as_numpy_iterator())

    numbers = tf.data.Dataset.range(2)
    monkeypatch.setattr(autograph, "CONVERSION_RULES", autograph.CONVERSION_RULES)
    assert signs(numbers) == [0, 1]
    compat.trace_as_written(signs.__module__)
    with pytest.raises(tf.errors.OperatorNotAllowedInGraphError):
        signs(numbers)


def test_ours_are_not():
    from tensorflow.python.autograph.core import config as autograph

    assert {"t2t_mm", "tensorflow_text"} <= {rule._prefix for rule in autograph.CONVERSION_RULES}


# ---- TensorFlow's variables


def test_names_of_variables_ask_for_no_kernels_of_their_own():
    from tensorflow.python.framework import op_callbacks

    told = []

    def callback(op_type, inputs, attrs, outputs, name=None, graph=None):
        if op_type == "VarHandleOp":
            told.append(attrs)

    op_callbacks.add_op_callback(callback)
    try:
        first, second = (keras.Variable(np.ones(2), name=name) for name in ("first", "second"))
    finally:
        op_callbacks.remove_op_callback(callback)
    assert len(told) == 2 and told[0] == told[1]
    first.assign([2.0, 3.0])
    assert first.numpy().tolist() == [2.0, 3.0] and second.numpy().tolist() == [1.0, 1.0]
    assert (first.name, second.name) == ("first", "second")


# ---- TensorFlow's sums


def test_gradients_of_a_value_with_several_uses_are_added_in_order(monkeypatch):
    """One AddN of them begins with any of them."""
    from tensorflow.python.ops import gen_math_ops

    def most_summands():
        @tf.function(input_signature=[tf.TensorSpec([None])], autograph=False)
        def gradient(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = tf.sin(x) * tf.cos(x) + tf.exp(x)
            return tape.gradient(y, x)

        graph = gradient.get_concrete_function().graph
        sums = [len(op.inputs) for op in graph.get_operations() if op.type == "AddN"]
        return max(sums, default=0), gradient(tf.constant([0.3, 2.0])).numpy()

    # As TensorFlow has it; conftest.py has called `sum_in_order` already.
    monkeypatch.setattr(gen_math_ops, "add_n", gen_math_ops.add_n.__wrapped__)
    assert most_summands()[0] == 3
    compat.sum_in_order()
    compat.sum_in_order()  # once is enough
    most, values = most_summands()
    x = np.array([0.3, 2.0])
    assert most < 3 and values == pytest.approx(np.cos(2 * x) + np.exp(x), rel=1e-5)
    assert tf.add_n([x, x, x], name="sum").numpy() == pytest.approx(3 * x)


# ---- TFDS


@pytest.fixture
def made(tmp_path):
    """Makes a small data set of TFDS's own kind; gives its builder."""
    import tensorflow_datasets as tfds

    class Numbers(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            return tfds.core.DatasetInfo(
                builder=self, features=tfds.features.FeaturesDict({"number": tfds.features.Text()})
            )

        def _split_generators(self, dl_manager):
            return {"train": ((i, {"number": str(i)}) for i in range(3))}

        def _generate_examples(self):
            raise NotImplementedError

    def run(name, prepare=lambda builder: builder):
        builder = prepare(Numbers(data_dir=tmp_path / name))
        builder.download_and_prepare()
        return builder

    return run


def test_tfds_is_quiet_and_its_log_level_comes_back(made, capfd):
    from absl import logging

    before = logging.get_verbosity()
    made("loud")
    assert "downloaded and prepared" in capfd.readouterr().out
    with compat.quiet_tfds():
        made("quiet", compat.without_download_notes)
    written = capfd.readouterr()
    assert "prepare" not in written.out and "prepare" not in written.err
    assert "example" not in written.err and "it/s" not in written.err  # bars
    assert logging.get_verbosity() == before


def test_data_that_is_not_downloaded_is_not_said_to_be(made, capfd):
    made("data", compat.without_download_notes)
    assert "ownload" not in capfd.readouterr().out


def test_a_download_is_tried_as_often_as_we_say(monkeypatch):
    import requests
    from tensorflow_datasets.core.download import downloader

    asked = []

    class Session(requests.Session):
        def get(self, url, **options):
            asked.append(self.get_adapter(url).max_retries.total)
            raise requests.ConnectionError("no network")

    monkeypatch.setattr(requests, "Session", Session)
    monkeypatch.setattr(downloader, "MAX_RETRIES", downloader.MAX_RETRIES)  # put back at the end
    compat.limit_download_retries(3)
    with pytest.raises(requests.ConnectionError), downloader._open_url("https://example.org/file"):
        pass
    assert asked == [3]


# ---- sacrebleu


@pytest.mark.parametrize("name", ["BLEU", "CHRF"])
def test_summed_statistics_give_sacrebleus_own_score(name):
    from sacrebleu import metrics

    hypotheses = ["the cat sat on the mat", "a dog barks", "rain again"]
    references = [
        ["the cat sat on a mat", "a dog is barking", "rain again today"],
        ["a cat sat on the mat", None, "more rain"],
    ]
    metric = getattr(metrics, name)()
    rows = compat.sacrebleu_statistics(metric, hypotheses, references)
    assert len(rows) == len(hypotheses)
    sums = [sum(column) for column in zip(*rows, strict=True)]
    wanted = metric.corpus_score(hypotheses, references).score
    assert compat.sacrebleu_score(metric, sums).score == pytest.approx(wanted) != 0


def test_xla_is_seen_while_a_graph_is_traced():
    seen = []

    def trace(x):
        seen.append(compat.is_compiled_by_xla())
        return x

    tf.function(trace, jit_compile=True)(tf.ones(2))
    tf.function(trace)(tf.ones(2))
    assert seen == [True, False] and not compat.is_compiled_by_xla()


def test_a_model_that_was_loaded_for_its_answers_is_freed(tmp_path):
    """TensorFlow's own way to load it keeps its gradients, and with them the graphs."""
    from tensorflow.python.framework import ops

    @tf.custom_gradient
    def twice(x):
        return 2 * x, lambda upstream: 2 * upstream

    module = tf.Module()
    module.twice = tf.function(twice, input_signature=[tf.TensorSpec([])])
    tf.saved_model.save(module, str(tmp_path))
    before = len(ops.gradient_registry.list())
    tf.saved_model.load(str(tmp_path))
    kept = len(ops.gradient_registry.list()) - before
    loaded = compat.load_for_answers(str(tmp_path))
    assert (kept, len(ops.gradient_registry.list()) - before) == (1, 1)
    assert loaded.twice(tf.constant(3.0)) == 6
    graph = weakref.ref(loaded.twice.concrete_functions[0].graph)
    del loaded
    gc.collect()
    assert graph() is None


def test_determinism_is_seen():
    assert not compat.is_deterministic()
    tf.config.experimental.enable_op_determinism()
    try:
        assert compat.is_deterministic()
    finally:
        config.disable_op_determinism()


def test_an_optimizer_called_once_updates_with_a_rate_for_each_variable():
    class Halving(compat.UpdatesAllReplicas, keras.optimizers.SGD):
        def rates(self, variables, learning_rate):
            return [learning_rate * 0.5 ** self.index_of(v) for v in variables]

    variables = [keras.Variable([1.0, 1.0]) for _ in range(3)]
    optimizer = Halving(1.0, weight_decay=0.1)
    optimizer.exclude_from_weight_decay(var_list=variables[1:])
    optimizer.build(variables)
    assert [optimizer.decays(v) for v in variables] == [True, False, False]
    optimizer.apply([tf.ones(2)] * 2, [variables[0], variables[2]])
    np.testing.assert_allclose([v[0] for v in variables], [0.9 - 1.0, 1.0, 1.0 - 0.25], atol=1e-6)


def test_any_keras_optimizer_can_be_called_once():
    optimizer = compat.updating_all_replicas(keras.optimizers.Lion(0.1))
    assert isinstance(optimizer, compat.UpdatesAllReplicas)
    assert isinstance(optimizer, keras.optimizers.Lion)
    assert compat.updating_all_replicas(optimizer) is optimizer
    variable = keras.Variable([1.0])
    optimizer.build([variable])
    optimizer.apply([tf.ones(1)], [variable])
    np.testing.assert_allclose(variable, [0.9], rtol=1e-6)


# ---- TensorFlow


@pytest.mark.parametrize(
    "name", ["de.en", "..", ".S", "/.S", "a/b.c", "..S/", "日本/ä.", "S.S", ""]
)
def test_names_become_the_keys_of_a_checkpoint_and_come_back(name):
    from tensorflow.python.trackable.trackable_utils import escape_local_name

    key = compat.escaped_checkpoint_key(name)
    assert key == escape_local_name(name) and compat.unescaped_checkpoint_key(key) == name


# ---- Keras


def test_a_layer_knows_what_it_made_and_took_up_itself():
    class Outer(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = keras.layers.Dense(2)
            self.count = self.add_weight(name="count", shape=(), trainable=False)
            self.scale = self.add_weight(name="scale", shape=())

    outer = Outer()
    outer.inner.build((None, 3))
    assert [v.name for v in compat.own_variables(outer)] == ["scale", "count"]
    assert [v.name for v in compat.own_variables(outer.inner)] == ["kernel", "bias"]
    assert compat.own_layers(outer) == [outer.inner]


def test_gin_gives_statements_and_carries_out_none():
    text = "import absent_module\nscope/thing.rate = [%macro, @reference()]\ninclude 'other.gin'\n"
    found = list(compat.gin_statements(text, lambda name: f"%{name}", lambda name: f"@{name}"))
    assert [type(each).__name__ for each in found] == [
        "ImportStatement",
        "BindingStatement",
        "IncludeStatement",
    ]
    assert found[0].format() == "import absent_module" and found[2].filename == "other.gin"
    _, bound, _ = found
    assert (bound.scope, bound.selector, bound.arg_name) == ("scope", "thing", "rate")
    assert bound.value == ["%macro", "@reference"]


def test_a_mocked_tfds_is_known():
    import tensorflow_datasets as tfds

    assert not compat.is_tfds_mocked()
    with tfds.testing.mock_data():
        assert compat.is_tfds_mocked()
    assert not compat.is_tfds_mocked()


def test_records_of_a_file_of_tfds_are_read_from_a_place_on(tmp_path):
    import types

    with tf.io.TFRecordWriter(str(tmp_path / "file")) as file:
        for text in "abcd":
            file.write(text)
    builder = types.SimpleNamespace(info=types.SimpleNamespace(file_format=None))
    read = compat.tfds_reader(builder)
    assert list(read(str(tmp_path / "file"), 1, 2).as_numpy_iterator()) == [b"b", b"c"]


def test_a_cluster_is_as_patient_as_it_is_told_to_be():
    from tensorflow.python.eager import context

    one = context.context()
    before = one.coordination_service
    try:
        with compat.patient_with_workers(7.5):
            one.configure_coordination_service("standalone")
        assert one.coordination_service.heartbeat_timeout_in_ms == 7500
        one.configure_coordination_service("standalone")
        assert one.coordination_service.heartbeat_timeout_in_ms == 0  # TensorFlow's own
    finally:
        one._coordination_service_config = before
