"""What the environment variable TF_CONFIG says of the workers of a run. No TensorFlow here."""

import json
import os
from typing import TypedDict

from t2t_mm import records
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


def workers() -> int:
    """How many workers TF_CONFIG lists."""
    named = config().get("cluster", {})
    return len(named.get("worker", ())) + len(named.get("chief", ()))


def check() -> None:
    """Raises a UserError if TF_CONFIG does not list workers, and this one among them."""
    named, task = config().get("cluster", {}), config().get("task", {})
    others, is_chief = named.get("worker", ()), task.get("type") == "chief" and named.get("chief")
    if not others or not (is_chief or task.get("index", -1) in range(len(others))):
        raise UserError(
            "--strategy=multi_worker needs the environment variable TF_CONFIG with a cluster of "
            f"workers and this one's task. {_EXAMPLE}"
        )
