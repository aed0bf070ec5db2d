"""The programs in the store do what the model of the simulation says they do."""

from __future__ import annotations

import random
import time

import pytest
from redis import ResponseError

from router.replicas import scripts
from tests.router.replicas.model_store import ModelStore
from tests.router.replicas.servers import Server, server

__all__ = ["server"]


def test_the_programs_do_what_the_model_says(server: Server) -> None:
    client, model, chance = server.client(), ModelStore(), random.Random(5)
    began = time.monotonic()
    slot = client.time()[0] // 100
    for _ in range(400):
        who = chance.choice("ab")
        words = chance.choice(
            [
                (scripts.TAKE, 2, "lease", "wish", who, 60_000, chance.choice("01")),
                (scripts.RENEW, 2, "lease", "wish", who, 60_000),
                (scripts.GIVE, 1, "lease", who),
                (
                    scripts.BUCKET,
                    1,
                    "bucket",
                    0.0,
                    30.0,
                    chance.choice([0, 0.5]),
                    chance.choice([0, 0, 3]),
                    2,
                    60_000,
                ),
                (
                    *(scripts.LIMIT, 1, "limit", 100_000, 1_000_000, 60),
                    *(chance.choice([0, 0, 1.5]), chance.choice([0, 1, 3]), chance.choice([0, 2]), 2),
                    *(chance.choice([0, 0, 7]), slot, chance.choice([0, 0.5])),
                ),
                (scripts.BEAT, 2, "alive", "belief", who, 60_000, "{}"),
            ]
        )
        if time.monotonic() - began > 0.9:
            break  # the wish of an early step ends by itself then
        said, expected = (
            client.execute_command("EVAL", *words),
            model.run(("EVAL", *words), 100.0 * slot + 50),
        )
        if words[0] is scripts.LIMIT:  # the time, what follows from it, and the epoch are the store's own
            assert (said[2] > 0) is (expected[2] > 0), words
            said, expected = (said[0], float(said[3])), (expected[0], float(expected[3]))
        assert said == expected, words
    client.close()


def test_a_lease_and_a_bucket_follow_the_clock_of_the_store(server: Server) -> None:
    client = server.client()
    take = ("EVAL", scripts.TAKE, 2, "lease", "wish")
    assert 1 == client.execute_command(*take, "a", 800, "1")
    assert 0 == client.execute_command(*take, "b", 800, "1")
    bucket = ("EVAL", scripts.BUCKET, 1, "bucket", 2.0, 2.0, 0, 0)
    assert 2 == client.execute_command(*bucket, 5, 60_000)
    assert 0 == client.execute_command(*bucket, 5, 60_000)
    time.sleep(1.2)  # noqa: TID251 - the store's clock is real

    assert 1 == client.execute_command(*take, "b", 800, "1")
    assert 2 == client.execute_command(*bucket, 5, 60_000)
    client.close()


def test_no_window_of_time_sees_more_than_the_limit(server: Server) -> None:
    client = server.client()
    given: list[tuple[float, float]] = []
    end = time.monotonic() + 30
    while len(given) < 15 and time.monotonic() < end:
        asked = time.monotonic()
        if client.execute_command("EVAL", scripts.LIMIT, 1, "w", 50, 600, 5, 0, 1, 0, 0, 0)[0]:
            given.append((asked, time.monotonic()))

    assert 15 == len(given)
    # The store's moment lies between the two of the client, however slowly the answer comes.
    assert all(later[1] - first[0] >= 0.6 for first, later in zip(given, given[5:], strict=False))
    client.close()


def test_the_store_says_when_there_is_room_and_takes_back_what_was_not_used(server: Server) -> None:
    client, ask = server.client(), ("EVAL", scripts.LIMIT, 1, "w", 1000, 60_000, 5)
    given, at, wait, used, epoch = client.execute_command(*ask, 0, 4, 0, 0, 0)
    assert (4, 0, b"4") == (given, wait, used)
    given, _, wait, used, _ = client.execute_command(*ask, 0, 2, 0, 0, 0)
    assert (0, b"4") == (given, used)
    assert 59_000 < wait <= 61_000

    given, _, wait, used, again = client.execute_command(*ask, 0, 2, 1, 0, 0, at // 1000, 2.5)
    assert (3, 0, b"4.5", epoch) == (given, wait, used, again)
    client.delete("w")
    assert epoch != client.execute_command(*ask, 0, 0, 0, 0, 0)[4]
    client.close()


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("bucket", (scripts.BUCKET, 1, "bucket", 1.0, 5.0, 0, 0, 5, 60_000)),
        ("limit", (scripts.LIMIT, 1, "limit", 100, 1000, 5, 0, 5, 0, 0, 0)),
    ],
)
def test_foreign_numbers_in_a_count_are_bounded(server: Server, key: str, words: tuple[object, ...]) -> None:
    client = server.client()
    for name, value in (
        ("level", "1e300"),
        ("at", "nan"),
        ("7", "-9e99"),
        ("x", "y"),
        ("1e300", "5"),
        ("epoch", "nan"),
        ("wish", "1e300"),
    ):
        client.hset(key, name, value)
    said = client.execute_command("EVAL", *words)
    assert 0 <= (said[0] if isinstance(said, list) else said) <= 5

    client.set(key, "x" * 1_000_000)
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        client.execute_command("EVAL", *words)
    client.close()
