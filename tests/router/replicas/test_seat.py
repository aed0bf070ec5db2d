"""Routers that follow each other in one process are one replica."""

from __future__ import annotations

from router.replicas.seat import Seat


def test_the_newest_one_speaks_and_the_last_one_takes_the_name_out() -> None:
    seat = Seat()
    seat.join("first")
    seat.join("heir")
    assert (seat.is_held_by("first"), seat.is_held_by("heir")) == (False, True)
    assert seat.leave("heir") is False, "it could not open"
    assert seat.is_held_by("first")

    seat.join("next")
    assert seat.leave("first") is False
    assert seat.leave("first") is False, "twice is once"
    assert seat.leave("next") is True
    assert not seat.is_held_by("next")
