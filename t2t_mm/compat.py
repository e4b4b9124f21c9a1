"""Private API of other packages: all that we use of it stands here, each with a test of its own.

A release of such a package may take any of it away without notice; then it is mended here. None of
them is imported until a function is called.
"""

import contextlib
import functools
import re
from collections.abc import Callable, Iterator
from typing import Any

# ---- TFDS


@contextlib.contextmanager
def quiet_tfds() -> Iterator[None]:
    """TFDS without progress bars, and without its notes on every step."""
    import tensorflow_datasets as tfds
    from absl import logging

    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    tfds.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)


def without_download_notes(builder: Any) -> Any:
    """The TFDS builder, which no longer prints that it downloads: for data made on this machine."""
    builder._log_download_bytes = builder._log_download_done = lambda: None
    return builder


def limit_download_retries(count: int) -> None:
    """TFDS gives up on an address after so many attempts, each after twice the wait of the last."""
    from tensorflow_datasets.core.download import downloader

    downloader.MAX_RETRIES = count


def tfds_reader(builder: Any) -> Callable[[Any, Any, Any], Any]:
    """A function of (path, records to skip, records to take), in graph too, that gives a
    tf.data.Dataset of the records of a file in the format of the builder's data, as bytes."""
    from tensorflow_datasets.core import file_adapters

    file_format = builder.info.file_format or file_adapters.DEFAULT_FILE_FORMAT
    open_file = file_adapters.ADAPTER_FOR_FORMAT[file_format].make_tf_data
    return lambda path, skip, take: open_file(path).skip(skip).take(take)


def is_tfds_mocked() -> bool:
    """Whether this runs within `tfds.testing.mock_data`, where data sets are random and nothing is
    written."""
    import tensorflow_datasets as tfds

    return tfds.core.DatasetBuilder.as_dataset.__module__ == "tensorflow_datasets.testing.mocking"


# ---- gin


def gin_statements(
    text: str, macro: Callable[[str], Any], reference: Callable[[str], Any]
) -> Iterator[Any]:
    """The statements of a gin configuration, as gin's parser gives them; none is carried out.

    Args:
        text: the configuration.
        macro: gives the value for %name.
        reference: gives the value for @name and @name().

    Raises:
        Exception: whatever the parser, Python's tokenizer, or one of the two functions raises.
    """
    from gin import config_parser

    class Delegate(config_parser.ParserDelegate):
        def macro(self, macro_name: str) -> Any:
            return macro(macro_name)

        def configurable_reference(self, scoped_configurable_name: str, evaluate: bool) -> Any:
            return reference(scoped_configurable_name)

    parser = config_parser.ConfigParser(text, Delegate())
    while statement := parser.parse_statement():
        yield statement


# ---- sacrebleu


def sacrebleu_statistics(metric: Any, hypotheses: list[str], references: list) -> list[list]:
    """The counts of each example that a sacrebleu metric sums up.

    Args:
        metric: such as sacrebleu.metrics.BLEU().
        hypotheses: a text for each example.
        references: for each position of a reference, a text for each example, None where it has
            fewer.
    """
    return metric._extract_corpus_statistics(hypotheses, references)


def sacrebleu_score(metric: Any, sums: list) -> Any:
    """The sacrebleu Score of a corpus from the sums of its examples' statistics."""
    return metric._compute_score_from_stats(sums)


# ---- TensorFlow's graphs


def trace_as_written(package: str) -> None:
    """Has TensorFlow trace a package's functions as they are, for the rest of the process.

    Those that tf.data is given would be rewritten, with all that they call, so that Python's `if`
    and `while` can ask for tensors. Where none does, rewriting takes seconds and changes nothing.
    """
    from tensorflow.python.autograph.core import config

    config.CONVERSION_RULES = (config.DoNotConvert(package), *config.CONVERSION_RULES)


# ---- TensorFlow's variables


def make_variables_by_one_kernel() -> None:
    """Has TensorFlow make eager variables of a shape by one kernel, for the rest of the process.

    It tells the kernel each variable's name, which only messages show, and keeps a kernel for each
    combination of what kernels are told: one for every variable, which takes longer to make than
    the variable itself.
    """
    from tensorflow.python.eager import context
    from tensorflow.python.ops import gen_resource_variable_ops as made_by

    with_name = made_by.var_handle_op

    @functools.wraps(with_name)
    def var_handle_op(*args: Any, debug_name: str = "", **others: Any) -> Any:
        shown = "" if context.executing_eagerly() else debug_name
        return with_name(*args, debug_name=shown, **others)

    made_by.var_handle_op = var_handle_op


# ---- TensorFlow's sums


def sum_in_order() -> None:
    """Has TensorFlow add three tensors or more one after the other, for the rest of the process.

    Its AddN begins with whichever input's memory it may write to, which is a matter of timing, and
    float sums in another order are other sums. Gradients of a value with several uses are made of
    it; `enable_op_determinism` doesn't change it.
    """
    from tensorflow.python.ops import gen_math_ops

    at_once = gen_math_ops.add_n
    if getattr(at_once, "is_in_order", False):
        return

    @functools.wraps(at_once)
    def add_n(inputs: Any, name: str | None = None) -> Any:
        import tensorflow as tf

        if len(inputs) < 3 or inputs[0].dtype == tf.variant:
            return at_once(inputs, name=name)
        *others, last = inputs
        return tf.add(functools.reduce(tf.add, others), last, name=name)

    add_n.is_in_order = True
    gen_math_ops.add_n = add_n


# ---- tensorflow-text


def with_named_resource(tokenizer: Any, model: bytes, name: str) -> Any:
    """A SentencepieceTokenizer whose resource has a name.

    Its own belongs to the kernel that made it, and `tf.random.set_seed` (which
    `keras.utils.set_random_seed` calls) drops all kernels: every tokeniser of the process would be
    gone.

    Args:
        tokenizer: of tensorflow_text.
        model: the sentencepiece model, serialised.
        name: the same for equal models.
    """
    from tensorflow_text.python.ops import sentencepiece_tokenizer

    class NamedResource(type(tokenizer._model_resource)):
        def _create_resource(self):
            return sentencepiece_tokenizer.gen_sentencepiece_tokenizer.sentencepiece_op(
                model=model, shared_name=f"sentencepiece_{name}"
            )

    tokenizer._model_resource = NamedResource(model, None)
    return tokenizer


# ---- TensorFlow


@contextlib.contextmanager
def patient_with_workers(seconds: float) -> Iterator[None]:
    """A cluster that is joined within gives a worker up that does not join, or is not heard of, for
    so long; TensorFlow's own hour and 10 seconds are too many, and too few on a busy machine."""
    from tensorflow.python.eager import context

    of_process = context.context()
    configure = of_process.configure_coordination_service
    most = round(seconds * 1000)
    patient = functools.partial(
        configure, cluster_register_timeout_in_ms=most, heartbeat_timeout_in_ms=most
    )
    of_process.configure_coordination_service = patient
    try:
        yield
    finally:
        del of_process.configure_coordination_service


def is_compiled_by_xla() -> bool:
    """Whether the graph that is being traced is going to be compiled by XLA."""
    import tensorflow as tf
    from tensorflow.python.ops import control_flow_util  # nothing public tells of jit_compile

    return control_flow_util.GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())


def is_deterministic() -> bool:
    """Whether tf.config.experimental.enable_op_determinism was called."""
    from tensorflow.python.framework import config

    return config.is_op_determinism_enabled()


def load_for_answers(path: str) -> Any:
    """What `tf.saved_model.load` gives, less the gradients of its graphs.

    TensorFlow registers a loaded model's gradients for the rest of the process, and with them its
    graphs: a server that loads each new version would keep them all.
    """
    import tensorflow as tf
    from tensorflow.python.framework import ops

    registered = ops.gradient_registry._registry
    before = set(registered)
    loaded = tf.saved_model.load(path)
    for name in set(registered) - before:  # another thread may register its own meanwhile
        if registered[name]["type"].__module__.endswith(".function_deserialization"):
            del registered[name]
    return loaded


def escaped_checkpoint_key(name: str) -> str:
    """A name as a part of a key of a TensorFlow checkpoint.

    TensorFlow joins names by "/", and in a name writes "." as ".." and "/" as ".S".
    """
    return name.replace(".", "..").replace("/", ".S")


def unescaped_checkpoint_key(key: str) -> str:
    """The name that `escaped_checkpoint_key` was given."""
    return re.sub(r"\.([.S])", lambda found: "." if found[1] == "." else "/", key)


# ---- Keras


class UpdatesAllReplicas:
    """Mixin for a Keras optimizer that is called once for all replicas, with gradients that are
    summed already.

    Keras' optimizers are called in each replica and sum the gradients themselves, which is too late
    to clip them all together.
    """

    def rates(self, variables: list[Any], learning_rate: Any) -> list:
        """The learning rate of each variable that is going to be updated."""
        return [learning_rate] * len(variables)

    def index_of(self, variable: Any) -> int:
        """The place of a variable, or of a replica's copy of it, among those that `build` got."""
        return self._get_variable_index(variable)

    def decays(self, variable: Any) -> bool:
        """Whether weight decay is of the variable."""
        return self._use_weight_decay(variable)

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        import tensorflow as tf

        @tf.autograph.experimental.do_not_convert
        def update(variable, gradient, rate):
            self.update_step(gradient, variable, rate)

        rates = self.rates(trainable_variables, learning_rate)
        for gradient, variable, rate in zip(grads, trainable_variables, rates, strict=True):
            self._in_each_replica(variable, update, gradient, rate)

    def _apply_weight_decay(self, variables):
        import tensorflow as tf

        if self.weight_decay is None:
            return
        share = tf.cast(self.weight_decay, tf.float32) * tf.cast(self.learning_rate, tf.float32)

        @tf.autograph.experimental.do_not_convert
        def decay(variable):
            variable.assign_sub(variable * tf.cast(share, variable.dtype))

        for variable in filter(self.decays, variables):
            self._in_each_replica(variable, decay)

    def _in_each_replica(self, variable, function, *args):
        extended = self._distribution_strategy.extended
        extended.update(variable.value, function, args=args, group=False)


def updating_all_replicas(optimizer: Any) -> Any:
    """A Keras optimizer, not built yet, with `UpdatesAllReplicas` mixed in if it isn't so far."""
    kind = type(optimizer)
    if not isinstance(optimizer, UpdatesAllReplicas):
        optimizer.__class__ = type(kind.__name__, (UpdatesAllReplicas, kind), {})
    return optimizer


def own_variables(layer: Any) -> list:
    """The variables that a Keras layer made itself, in the order in which it made them."""
    return [*layer._trainable_variables, *layer._non_trainable_variables]


def own_layers(layer: Any) -> list:
    """The layers that a Keras layer holds directly, in the order in which it took them up."""
    return list(layer._layers)
