"""Workers that wait for each other: seen from outside, as processes."""

import contextlib
import os
import signal
import socket
import sys
import time

import pytest

from tests import commands
from tests.commands import ROOT
from tests.ports import free_ports, tf_config

MEETS = """
import signal, sys
from t2t_mm.errors import UserError
from t2t_mm.execution import meeting
meeting._FIRST, meeting._DOUBT = 0.2, 2.0
# A shell has what it starts in the background ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    meeting.meet()
except UserError as error:
    sys.exit(str(error))
print("met")
"""


class Cluster:
    """Addresses of workers on this machine."""

    def __init__(self, count):
        self.addresses = [f"localhost:{port}" for port in free_ports(count)]

    def start(self, index, addresses=None):
        """A worker that meets the others."""
        config = tf_config(addresses or self.addresses, index)
        line = [sys.executable, "-c", MEETS]
        return commands.Command(line, cwd=ROOT, env=os.environ | {"TF_CONFIG": config})

    def call(self, content):
        """What worker 0 answers to whoever sends it that."""
        port = int(self.addresses[0].rpartition(":")[2])
        with socket.create_connection(("localhost", port), 5) as one:
            one.sendall(content)
            with contextlib.suppress(ConnectionResetError):
                return one.recv(200)
        return b""


def waits(worker):
    """Whether it says for whom it waits, and goes on waiting."""
    deadline = time.monotonic() + 60
    while "Waiting for" not in worker.stderr and time.monotonic() < deadline:
        time.sleep(0.05)
    return "Waiting for" in worker.stderr and worker.returncode is None


def ends(*workers):
    """[(exit code, standard output, standard error)]"""
    return [(each.wait(20), each.stdout, each.stderr) for each in workers]


def test_workers_go_on_when_all_are_there_whoever_comes_first():
    cluster = Cluster(3)
    last, first = cluster.start(2), cluster.start(0)
    assert waits(first) and waits(last)
    middle = cluster.start(1)
    told = ends(first, middle, last)
    assert [end[:2] for end in told] == [(0, "met\n")] * 3
    assert cluster.addresses[1] in told[0][2]
    assert f"Waiting for {cluster.addresses[0]}, and those that it waits for" in told[2][2]


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_worker_that_waits_can_be_stopped_and_started_again(index, number):
    cluster = Cluster(3)
    stopped, other = cluster.start(index), cluster.start(1 - index)
    assert waits(stopped) and waits(other)
    stopped.send_signal(number)
    code = stopped.wait(10)
    assert code in (-number, 1, 130) and "met" not in stopped.stdout
    assert waits(other)
    again, third = cluster.start(index), cluster.start(2)
    assert [end[:2] for end in ends(again, other, third)] == [(0, "met\n")] * 3


def test_workers_that_are_told_different_things():
    cluster = Cluster(3)
    first, second = cluster.start(0), cluster.start(1)
    assert waits(first) and waits(second)
    unlike, twice = cluster.start(1, [*cluster.addresses[:2], "localhost:1"]), cluster.start(1)
    (code, _, said), (another, _, told) = ends(unlike, twice)
    assert code == 1 and "lists other addresses: all workers need the same cluster" in said
    assert another == 1 and "has no free place 1: each worker needs an index of its own" in told
    third = cluster.start(2)
    assert [end[:2] for end in ends(first, second, third)] == [(0, "met\n")] * 3


def test_strangers_at_the_door():
    cluster = Cluster(2)
    first = cluster.start(0)
    assert waits(first)
    for greeting in (b"GET / HTTP/1.1\r\n\r\n", b"t2t-mm", b"t2t-mm -1 x\n", bytes(300)):
        assert cluster.call(greeting) == b""
    assert b"lists other addresses" in cluster.call(b"t2t-mm 1 x\n")
    assert waits(first)
    second = cluster.start(1)
    assert [end[:2] for end in ends(first, second)] == [(0, "met\n")] * 2


def answer_as_tensorflow(door):
    caller, _ = door.accept()
    with caller:
        caller.sendall(bytes([0, 0, 18, 4, 0, 0, 0, 0, 0]))  # as a server of gRPC begins


def test_a_worker_that_comes_when_the_others_have_gone_on_joins_them():
    cluster = Cluster(2)
    with socket.create_server(("localhost", int(cluster.addresses[0].rpartition(":")[2]))) as door:
        door.settimeout(1)
        late = cluster.start(1)
        while late.returncode is None:
            with contextlib.suppress(TimeoutError):
                answer_as_tensorflow(door)
    assert ends(late)[0][:2] == (0, "met\n")


def test_a_worker_that_comes_before_the_others_have_ended_meets_them_again():
    cluster = Cluster(2)
    with socket.create_server(("localhost", int(cluster.addresses[0].rpartition(":")[2]))) as door:
        early = cluster.start(1)
        answer_as_tensorflow(door)
        answer_as_tensorflow(door)
    first = cluster.start(0)
    told = ends(first, early)
    assert [end[:2] for end in told] == [(0, "met\n")] * 2


@pytest.mark.parametrize("address", ["nowhere", "localhost:", "localhost:http", "localhost:70000"])
def test_an_address_without_a_port(address):
    cluster = Cluster(2)
    code, _, said = ends(cluster.start(0, [address, cluster.addresses[1]]))[0]
    assert code == 1 and f"TF_CONFIG has the address '{address}', where host:port" in said


def test_an_address_that_is_in_use():
    cluster = Cluster(2)
    with socket.create_server(("", int(cluster.addresses[0].rpartition(":")[2]))):
        code, _, said = ends(cluster.start(0))[0]
    assert code == 1 and "can't listen at localhost:" in said and "in use" in said
