"""What TensorBoard's HPARAMS page knows of a run, in the form that its plugin reads.

The messages are those of tensorboard/plugins/hparams/plugin_data.proto, as far as they are needed.
They are stated here, since the tensorboard package is needed only to look at what is written: this
module uses protobuf alone, which TensorFlow brings.
"""

import functools
import time
from collections.abc import Mapping
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, struct_pb2

PLUGIN = "hparams"
TAG = "_hparams_/session_start_info"

_Field = descriptor_pb2.FieldDescriptorProto
_ONE, _SEVERAL = _Field.LABEL_OPTIONAL, _Field.LABEL_REPEATED
_TEXT, _DOUBLE = (_Field.TYPE_STRING, ""), (_Field.TYPE_DOUBLE, "")
# {message: [(field, number, label, (type, its name))]}; a map is a repeated message of pairs.
_MESSAGES: dict[str, list[tuple[str, int, int, tuple[int, str]]]] = {
    "Pair": [
        ("key", 1, _ONE, _TEXT),
        ("value", 2, _ONE, (_Field.TYPE_MESSAGE, ".google.protobuf.Value")),
    ],
    "Start": [
        ("hparams", 1, _SEVERAL, (_Field.TYPE_MESSAGE, ".t2t_mm.Pair")),
        ("start_time_secs", 5, _ONE, _DOUBLE),
    ],
    "Content": [("session_start_info", 3, _ONE, (_Field.TYPE_MESSAGE, ".t2t_mm.Start"))],
}


def content(values: Mapping[str, Any]) -> bytes:
    """A row of the page, as the content of its plugin: the start of a session with these
    hyperparameters.

    Args:
        values: {name: bool, int, float, str, or whatever is shown as text}.
    """
    message = _content_class()()
    start = message.session_start_info
    start.start_time_secs = time.time()
    for name, value in sorted(values.items()):
        pair = start.hparams.add(key=name)
        if isinstance(value, bool):
            pair.value.bool_value = value
        elif isinstance(value, int | float):
            pair.value.number_value = value
        else:
            pair.value.string_value = str(value)
    return message.SerializeToString()


@functools.cache
def _content_class() -> Any:
    """The class of the message, of a pool of its own: the tensorboard package has others."""
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(struct_pb2.DESCRIPTOR.serialized_pb)
    file = descriptor_pb2.FileDescriptorProto(
        name="t2t_mm/hparams_page.proto",
        package="t2t_mm",
        syntax="proto3",
        dependency=[struct_pb2.DESCRIPTOR.name],
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, label, (kind, kind_name) in fields:
            message.field.add(
                name=field, number=number, label=label, type=kind, type_name=kind_name or None
            )
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("t2t_mm.Content"))
