"""What the environment variable TF_CONFIG says of the workers of a run. No TensorFlow here."""

import json
import os
from typing import TypedDict

from t2t_mm import errors, records
from t2t_mm.errors import UserError

_EXAMPLE = (
    "Each worker is given all addresses and its own place among them: "
    """TF_CONFIG='{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker",
    "index": 0}}'."""
)


class Task(TypedDict, total=False):
    """This worker's place."""

    type: str
    index: int


class Config(TypedDict, total=False):
    """What TF_CONFIG holds: {kind of task: its addresses}, and which of them this worker is."""

    cluster: dict[str, list[str]]
    task: Task


def config() -> Config:
    """What TF_CONFIG says; nothing where it is not set.

    Raises:
        UserError: it is something else than a cluster.
    """
    try:
        found = json.loads(os.environ.get("TF_CONFIG") or "{}")
        reason = records.misfit(found, Config)
    except (ValueError, RecursionError) as error:
        reason = str(error)
    if reason:
        raise UserError(
            f"The environment variable TF_CONFIG is no JSON object of a cluster ({reason}). "
            f"{_EXAMPLE}"
        )
    return found


def addresses() -> list[str]:
    """The addresses of all workers that TF_CONFIG lists, a chief's first."""
    named = config().get("cluster", {})
    return [*named.get("chief", ()), *named.get("worker", ())]


def workers() -> int:
    """How many workers TF_CONFIG lists."""
    return len(addresses())


def place() -> int:
    """This worker's place among `addresses`."""
    named, task = config().get("cluster", {}), config().get("task", {})
    before = 0 if task.get("type") == "chief" else len(named.get("chief", ()))
    return before + task.get("index", 0)


def parted(address: str) -> tuple[str, int]:
    """Host and port of an address; an IPv6 host without its brackets.

    Raises:
        UserError: it has no port.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise UserError(f"TF_CONFIG has the address {address!r}, where host:port is expected.")
    return host.strip("[]"), int(port)


def check() -> None:
    """Raises a UserError if TF_CONFIG does not list workers, and this one among them."""
    named, task = config().get("cluster", {}), config().get("task", {})
    kind = task.get("type", "")
    of_kind = named.get(kind, ()) if kind in ("chief", "worker") else ()
    index = task.get("index", 0 if kind == "chief" else -1)
    if not named.get("worker") or index not in range(len(of_kind)):
        raise UserError(
            "--strategy=multi_worker needs the environment variable TF_CONFIG with a cluster of "
            f"workers and this one's task, not {errors.shortened(json.dumps(config()))}. {_EXAMPLE}"
        )
    if len(named.get("chief", ())) > 1:
        raise UserError(f"TF_CONFIG lists {len(named['chief'])} chiefs, where there can be one.")
