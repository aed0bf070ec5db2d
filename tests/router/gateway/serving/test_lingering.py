"""The transport of a connection: what is written while it is held goes out in one piece, none of it lost."""

from __future__ import annotations

from typing import Any

import pytest

from router.gateway.serving.lingering import Lingering


class Transport:
    """Takes note of what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def write(self, data: bytes) -> None:
        self.told.append(data)

    def write_eof(self) -> None:
        self.told.append("end")

    def can_write_eof(self) -> bool:
        return True

    def close(self) -> None:
        self.told.append("closed")

    def is_closing(self) -> bool:
        return "closed" in self.told

    def abort(self) -> None:
        self.told.append("aborted")


class Loop:
    def call_later(self, seconds: float, call: Any) -> Loop:
        return self

    def cancel(self) -> None: ...


class Connection:
    loop: Any = Loop()

    def __init__(self, *, expects_more: bool = False) -> None:
        self.expects_more = expects_more

    def linger(self) -> None: ...


def lingering(*, expects_more: bool = False) -> tuple[Lingering, list[object]]:
    transport: Any = Transport()
    return Lingering(transport, Connection(expects_more=expects_more)), transport.told


def test_writes_that_are_held_go_out_together_and_later_ones_at_once() -> None:
    held, told = lingering()
    held.hold()
    held.write(b"head ")
    assert told == []
    held.write(b"first ")
    held.let_go()
    held.let_go()
    held.write(b"second")

    assert told == [b"head first ", b"second"]


@pytest.mark.parametrize(("expects_more", "end"), [(False, "closed"), (True, "end")])
def test_what_is_held_goes_out_before_the_end(expects_more: bool, end: str) -> None:
    held, told = lingering(expects_more=expects_more)
    held.hold()
    held.write(b"head")
    held.close()

    assert told == [b"head", end]
    assert held.is_closing()


def test_nothing_is_sent_after_the_connection_was_lost() -> None:
    held, told = lingering()
    held.hold()
    held.write(b"head")
    held.end()
    held.let_go()

    assert told == []
