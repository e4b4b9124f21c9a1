"""Warm-up requests: what TensorFlow Serving asks a model before it lets others ask, so that no user
waits for it.

Their messages are those of tensorflow_serving/apis, described here so that nothing has to be
installed.
"""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from t2t_mm.problem.base import Problem

FILE = Path("assets.extra") / "tf_serving_warmup_requests"
TYPES = {"string": 9, "message": 11}  # of descriptor.proto

# {message: [(field, number, type)]}; InputsEntry is an entry of a map.
MESSAGES = {
    "ModelSpec": [("name", 1, "string"), ("signature_name", 3, "string")],
    "InputsEntry": [("key", 1, "string"), ("value", 2, ".tensorflow.TensorProto")],
    "PredictRequest": [("model_spec", 1, "ModelSpec"), ("inputs", 2, "InputsEntry")],
    "PredictLog": [("request", 1, "PredictRequest")],
    "PredictionLog": [("predict_log", 6, "PredictLog")],
}


def write(folder: Path, problems: dict[str, Problem], batch_sizes: Sequence[int] = (1, 8)) -> None:
    """Writes requests for each problem, in each size of batch, into a SavedModel.

    Args:
        folder: of the SavedModel, a Path.
        problems: {signature: its resolved Problem}.
    """
    path = folder / FILE
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as file:
        for name, problem in problems.items():
            for size in batch_sizes:
                samples = problem.inputs.samples().items()
                sent = {key: [sample] * size for key, sample in samples}
                file.write(request(name, sent).SerializeToString())


def request(signature: str, inputs: dict[str, Sequence[bytes]]) -> Any:
    """A PredictionLog that asks a signature for the answers to strings, {name of a tensor: a string
    for each input}."""
    log = messages()["PredictionLog"]()
    asked = log.predict_log.request
    asked.model_spec.signature_name = signature
    for key, strings in inputs.items():
        entry = asked.inputs.add(key=key)
        entry.value.ParseFromString(tf.make_tensor_proto(strings, tf.string).SerializeToString())
    return log


@functools.cache
def messages() -> dict:
    """{name: class} of the messages."""
    file = descriptor_pb2.FileDescriptorProto(
        name="t2t_mm/warmup.proto",
        package="t2t_mm.warmup",
        syntax="proto3",
        dependency=["tensorflow/core/framework/tensor.proto"],
    )
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            is_message = kind != "string"
            added = message.field.add(
                name=field,
                number=number,
                label=3 if kind == "InputsEntry" else 1,
                type=TYPES["message" if is_message else "string"],
            )
            if is_message:
                added.type_name = kind if kind.startswith(".") else f".t2t_mm.warmup.{kind}"
    pool = descriptor_pool.Default()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"t2t_mm.warmup.{name}"))
        for name in MESSAGES
    }
