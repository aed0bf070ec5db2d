"""Idle connections: the newest first, none older than allowed, none too many, none that is not clean."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable, Iterator

import pytest

from adapters.http.transport.channel import PlainChannel
from adapters.http.transport.connection import Connection
from adapters.http.transport.idle import IdleConnections
from adapters.http.transport.request import Origin

HERE, THERE = Origin(False, "here.example", 80), Origin(False, "there.example", 80)
Make = Callable[..., Connection]


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def peers() -> Iterator[dict[Connection, socket.socket]]:
    """The other ends of the connections that were made."""
    made: dict[Connection, socket.socket] = {}
    yield made
    for connection, peer in made.items():
        connection.close()
        peer.close()


@pytest.fixture
def make(peers: dict[Connection, socket.socket]) -> Make:
    def made(origin: Origin = HERE) -> Connection:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            sock = socket.create_connection(listener.getsockname())
            peer, _ = listener.accept()
        sock.setblocking(False)
        connection = Connection(PlainChannel(sock), origin)
        peers[connection] = peer
        return connection

    return made


def test_the_newest_comes_first_and_each_once(make: Make, clock: Clock) -> None:
    idle = IdleConnections(9, 15, clock)
    first, second, other = make(), make(), make(THERE)
    for connection in (first, second, other):
        idle.give(connection)

    assert 3 == len(idle)
    assert [second, first, None, other] == [idle.take(each) for each in (HERE, HERE, HERE, THERE)]
    assert 0 == len(idle)


def test_who_is_too_old_is_closed_whenever_one_comes_or_goes(make: Make, clock: Clock) -> None:
    idle = IdleConnections(9, 15, clock)
    old, other = make(), make(THERE)
    idle.give(old)
    idle.give(other)
    clock.now += 10
    new = make()
    idle.give(new)
    clock.now += 5
    assert new is idle.take(HERE)
    assert old.closed
    assert other.closed
    clock.now += 100
    idle.give(new)
    clock.now += 15
    assert idle.take(HERE) is None
    assert new.closed


def test_what_is_kept_is_as_many_as_were_in_use_lately(make: Make, clock: Clock) -> None:
    idle = IdleConnections(1000, 15, clock)
    burst = [make() for _ in range(30)]
    for connection in burst:
        idle.give(connection)
    assert 30 == len(idle)
    for _ in range(20):  # one at a time, for longer than they are kept
        clock.now += 1
        one = idle.take(HERE)
        assert one is burst[-1]
        idle.give(one)

    assert 1 == len(idle)
    assert all(connection.closed for connection in burst[:-1])


@pytest.mark.parametrize("origins", [(HERE, HERE, HERE), (HERE, THERE, HERE)])
def test_the_oldest_goes_where_there_are_too_many(make: Make, clock: Clock, origins: list[Origin]) -> None:
    idle = IdleConnections(2, 15, clock)
    made = [make(origin) for origin in origins]
    for connection in made:
        clock.now += 1
        idle.give(connection)

    assert [True, False, False] == [connection.closed for connection in made]


@pytest.mark.parametrize(("most", "seconds"), [(0, 15.0), (9, 0.0)])
def test_none_is_kept_where_none_may_be(make: Make, clock: Clock, most: int, seconds: float) -> None:
    idle = IdleConnections(most, seconds, clock)
    connection = make()
    idle.give(connection)

    assert connection.closed
    assert idle.take(HERE) is None


@pytest.mark.parametrize("what", ["a byte", "an end", "a reset"])
def test_who_is_not_clean_is_closed_and_the_next_is_taken(
    make: Make, clock: Clock, peers: dict[Connection, socket.socket], what: str
) -> None:
    idle = IdleConnections(9, 15, clock)
    good, bad = make(), make()
    idle.give(good)
    idle.give(bad)
    if what == "a byte":
        peers[bad].send(b"\n")
    elif what == "a reset":
        peers[bad].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peers[bad].close()
    else:
        peers[bad].close()

    assert good is idle.take(HERE)
    assert (True, 0) == (bad.closed, len(idle))


def test_close_closes_all(make: Make, clock: Clock) -> None:
    idle = IdleConnections(9, 15, clock)
    made = [make(), make(THERE)]
    for connection in made:
        idle.give(connection)
    idle.close()

    assert (True, 0) == (all(connection.closed for connection in made), len(idle))


def test_a_child_process_uses_none_of_its_parent_s(make: Make, clock: Clock, monkeypatch) -> None:
    """Both would write into one connection; and the parent's stays open."""
    idle = IdleConnections(9, 15, clock)
    connection = make()
    idle.give(connection)
    child = os.getpid() + 1
    monkeypatch.setattr(os, "getpid", lambda: child)

    assert idle.take(HERE) is None
    assert -1 == connection.channel.sock.fileno()
    mine = make()
    idle.give(mine)
    assert mine is idle.take(HERE)
