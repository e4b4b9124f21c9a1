"""The workers of a cluster meet before TensorFlow joins them. No TensorFlow here.

TensorFlow waits for missing workers in silence, and neither SIGTERM nor Ctrl-C reaches a worker
that waits so. Here worker 0 listens on its own address until all others have reported there, says
whom it waits for, and then lets all of them go on: TensorFlow's own wait is over at once.
"""

import contextlib
import hashlib
import json
import socket
import sys
import time
from collections.abc import Callable, Iterator

from t2t_mm.errors import UserError
from t2t_mm.execution import cluster

_GREETING = "t2t-mm"
_GO = "go"
_ROUND = 0.5  # seconds between two looks
_PATIENCE = 2.0  # seconds that a caller has to say who it is
_DOUBT = 10.0  # seconds that worker 0 has to notice that its job has ended
_FIRST, _EVERY = 5.0, 60.0  # seconds until it is said who is missing, and until it is said again
_LONGEST = 500  # bytes of what is said to each other


def meet() -> None:
    """Returns when all workers of TF_CONFIG are there.

    Raises:
        UserError: two workers were told different things, or this one's address can't be used.
    """
    addresses, place = cluster.addresses(), cluster.place()
    if len(addresses) == 1:
        return
    if place:
        _report(addresses, place)
    else:
        _receive(addresses)


def _receive(addresses: list[str]) -> None:
    """Worker 0: waits until all others have reported."""
    notice = _Notice(lambda: [a for i, a in enumerate(addresses) if i and i not in there])
    there: dict[int, socket.socket] = {}
    with _listening(addresses[0]) as door, contextlib.ExitStack() as kept:
        while len(there) < len(addresses) - 1:
            notice.may_be_due()
            with contextlib.suppress(OSError), door.accept()[0] as one:  # nobody called, or left
                one.settimeout(_PATIENCE)
                said = _line(one)
                _forget_who_left(there)  # one that was started again may be at the door
                place, answer = _placed(said, addresses, there)
                one.sendall(answer.encode())
                if place:
                    there[place] = kept.enter_context(one.dup())
            _forget_who_left(there)
        for one in there.values():
            with contextlib.suppress(OSError):  # it is started again, and finds TensorFlow here
                one.sendall(_GO.encode() + b"\n")


def _report(addresses: list[str], place: int) -> None:
    """Another worker: says that it is there, and waits to be let go on.

    Where TensorFlow answers, worker 0 has either gone on without this one, which was lost and has
    been started again, and will end soon; or it waits for this one, which was lost in between.
    """
    notice = _Notice(lambda: [addresses[0], "and those that it waits for"])
    joined = 0.0  # since when TensorFlow answers there
    while not joined or time.monotonic() < joined + _DOUBT:
        notice.may_be_due()
        try:
            with socket.create_connection(cluster.parted(addresses[0]), _PATIENCE) as one:
                one.sendall(f"{_GREETING} {place} {_digest(addresses)}\n".encode())
                answer = _answer(one, notice)
        except OSError:  # not there yet, or gone again
            answer = ""
        if answer.startswith(_GREETING):
            raise UserError(answer.removeprefix(f"{_GREETING}: "))
        if answer == _GO:
            return
        joined = (joined or time.monotonic()) if answer else 0.0
        time.sleep(_ROUND)


def _placed(said: str, addresses: list[str], there: dict[int, socket.socket]) -> tuple[int, str]:
    """The place of a worker by what it says; else 0, and what it is to be answered."""
    greeting, _, rest = said.partition(" ")
    place, _, digest = rest.partition(" ")
    if greeting != _GREETING or not place.isdecimal():
        return 0, ""  # a stranger
    refusal = ""
    if digest != _digest(addresses):
        refusal = "lists other addresses: all workers need the same cluster, in the same order"
    elif int(place) in there or not 0 < int(place) < len(addresses):
        refusal = f"has no free place {place}: each worker needs an index of its own"
    if refusal:
        return 0, f"{_GREETING}: TF_CONFIG of the worker at {addresses[0]} {refusal}.\n"
    return int(place), ""


class _Notice:
    """Says from time to time for whom a worker waits."""

    def __init__(self, missing: Callable[[], list[str]]) -> None:
        self._missing, self._due = missing, time.monotonic() + _FIRST

    def may_be_due(self) -> None:
        if time.monotonic() > self._due:
            self._due = time.monotonic() + _EVERY
            print(f"Waiting for {', '.join(self._missing())}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def _listening(address: str) -> Iterator[socket.socket]:
    """A socket on all interfaces, as TensorFlow's will be."""
    port = cluster.parted(address)[1]
    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    try:
        door = socket.create_server(("", port), family=family, dualstack_ipv6=both)
    except OSError as error:
        raise UserError(
            f"This worker can't listen at {address}, its own address in TF_CONFIG ({error})."
        ) from error
    with door:
        door.settimeout(_ROUND)
        yield door


def _answer(one: socket.socket, notice: _Notice) -> str:
    """What worker 0 answers, whenever it does; nothing where it has gone."""
    while True:
        with contextlib.suppress(TimeoutError):
            return _line(one)
        notice.may_be_due()


def _line(one: socket.socket) -> str:
    """What comes, up to its first end of line, as far as it is text; nothing from who has left.

    What is said here is short, and comes in one piece.
    """
    return one.recv(_LONGEST).decode(errors="replace").partition("\n")[0]


def _forget_who_left(there: dict[int, socket.socket]) -> None:
    """A worker that waits says nothing: what comes from it is its end."""
    for place, one in list(there.items()):
        one.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            with contextlib.suppress(ConnectionError):
                one.recv(1)
            del there[place]


def _digest(addresses: list[str]) -> str:
    return hashlib.sha256(json.dumps(addresses).encode()).hexdigest()[:16]
