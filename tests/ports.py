"""Workers of one machine: ports that nobody listens at, and what each worker is told."""

import contextlib
import json
import socket
from collections.abc import Sequence


def free_ports(count: int) -> list[int]:
    """So many, all different."""
    with contextlib.ExitStack() as kept:
        opened = [kept.enter_context(socket.socket()) for _ in range(count)]
        for one in opened:
            one.bind(("localhost", 0))
        return [one.getsockname()[1] for one in opened]


def tf_config(addresses: Sequence[str], index: int) -> str:
    """TF_CONFIG of the worker of that place among them."""
    task = {"type": "worker", "index": index}
    return json.dumps({"cluster": {"worker": list(addresses)}, "task": task})
