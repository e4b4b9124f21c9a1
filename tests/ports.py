"""Ports of this machine that nobody listens at."""

import contextlib
import socket


def free_ports(count: int) -> list[int]:
    """So many, all different."""
    with contextlib.ExitStack() as kept:
        opened = [kept.enter_context(socket.socket()) for _ in range(count)]
        for one in opened:
            one.bind(("localhost", 0))
        return [one.getsockname()[1] for one in opened]
