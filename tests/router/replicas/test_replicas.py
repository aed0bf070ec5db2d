"""Routers that agree through a real store, which is killed, silent, restarted, foreign."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from adapters import NotWorking, RateLimited, ServiceFailed
from adapters.scripted import ScriptedAdapter
from router import BreakerPolicy, Router, SharingChanged, Timeouts
from router.replicas import Replicas
from tests.promptly import promptly
from tests.router.recording import HELLO
from tests.router.replicas.servers import Server, server

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.anyio
__all__ = ["server"]

BREAKER = BreakerPolicy(consecutive=3, open_for=0.8, jitter=0, trial_limit=5)


class Observed:
    def __init__(self) -> None:
        self.told: list[SharingChanged] = []

    def __call__(self, event: object) -> None:
        if isinstance(event, SharingChanged):
            self.told.append(event)


def router_of(server: Server, error: Any = ServiceFailed, **settings: Any) -> tuple[Router, Observed]:
    seen = Observed()
    chain = [ScriptedAdapter("first", [error]), ScriptedAdapter("second", "text")]
    settings = {"breaker": BREAKER, "replicas": Replicas(server.url, "test"), **settings}
    return Router(chain, observers=[seen], **settings), seen


async def until(holds: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait until something holds."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() < began + seconds, "it does not hold in time"
        await anyio.sleep(0.005)


def is_shared(router: Router) -> bool:
    router.health()
    return not router.sharing.store.away  # type: ignore[union-attr]  # it has replicas


def first(router: Router) -> Any:
    return router.health().providers[0]


async def test_a_breaker_that_opens_is_open_for_all(server):
    (one, _), (other, _) = router_of(server), router_of(server)
    async with one, other:
        await until(lambda: is_shared(one) and is_shared(other))
        for _ in range(3):
            await one.complete(HELLO)

        with promptly(1):
            await until(lambda: first(other).breaker.state == "open")
        assert not first(other).can_answer

        reply = await other.complete(HELLO)
        assert "skipped" == reply.attempts[0].outcome


async def test_a_newcomer_reads_what_was_told_before(server):
    one, _ = router_of(server, NotWorking("no"))
    async with one:
        await until(lambda: is_shared(one))
        await one.complete(HELLO)
        other, _ = router_of(server)
        async with other:
            await until(lambda: first(other).state == "unhealthy")

            assert "another replica" in first(other).reason


async def test_a_retry_after_holds_all_back(server):
    (one, _), (other, _) = router_of(server, RateLimited("slow", retry_after=30)), router_of(server)
    async with one, other:
        await until(lambda: is_shared(one) and is_shared(other))
        await one.complete(HELLO)
        await until(lambda: not first(other).can_answer)

        assert 28 < first(other).back_in <= 30


async def test_a_half_open_breaker_gets_one_trial_among_all(server):
    routers = [router_of(server)[0] for _ in range(4)]
    asked: list[float] = []

    async def load(router: Router) -> None:
        with anyio.move_on_after(2.2):
            while True:
                reply = await router.complete(HELLO)
                if reply.attempts[0].outcome != "skipped":
                    asked.append(time.monotonic())
                await anyio.sleep(0.01)

    async with routers[0], routers[1], routers[2], routers[3]:
        for router in routers:
            await until(partial(is_shared, router))
        for _ in range(3):
            await routers[0].complete(HELLO)
        await until(lambda: all(first(each).breaker.state == "open" for each in routers))
        async with anyio.create_task_group() as tasks:
            for router in routers:
                tasks.start_soon(load, router)

    # The breaks are 0.8 s, then 1.6 s long; a slow machine may see the next trial.
    assert 1 == len([moment for moment in asked if moment < asked[0] + 1])


async def test_a_store_that_is_killed_costs_the_sharing_only(server):
    (one, seen), (other, _) = router_of(server), router_of(server)
    async with one, other:
        await until(lambda: is_shared(one) and is_shared(other))
        server.kill()
        await until(lambda: not is_shared(one) and not is_shared(other))
        for _ in range(3):
            with promptly(0.5):
                assert "text" == (await one.complete(HELLO)).text
        assert [True, False] == [event.shared for event in seen.told]

        server.start()
        await until(lambda: first(other).breaker.state != "closed")
        await until(lambda: is_shared(one))
        assert [True, False, True] == [event.shared for event in seen.told]


async def test_a_silent_store_makes_nobody_wait(server):
    one, _ = router_of(server)
    async with one:
        await until(lambda: is_shared(one))
        server.stop()
        with promptly(1):
            for _ in range(20):
                await one.complete(HELLO)
        await until(lambda: not is_shared(one))
        with promptly(Timeouts().close + 1):
            await one.aclose()
    server.go_on()


async def test_without_a_store_a_router_works_alone(server):
    server.kill()
    one, seen = router_of(server)
    async with one:
        for _ in range(4):
            assert "text" == (await one.complete(HELLO)).text
        await until(lambda: (one.health(), seen.told)[1])

        assert [(False, "ConnectionError")] == [(event.shared, event.reason) for event in seen.told]
        await until(lambda: first(one).breaker.state == "half-open")
        await until(lambda: first(one).can_answer)  # its own trial, after a random part of the pause


async def test_a_foreign_store_is_data(server):
    client = server.client()
    stream = "chat-router:{test}:evidence"
    for fields in (
        {"v": "1"},
        {"v": "2", "k": "open"},
        {"x": b"\xff\x00" * 1000},
        {"v": "1", "s": "a", "n": "1", "p": "nobody", "k": "open", "a": "0", "d": "5000"},
        {"v": "1", "s": "a", "n": "-2", "p": "first", "k": "open", "a": "0"},
        {"v": "1", "s": "a", "n": "9" * 30, "p": "first", "k": "open", "a": "0"},
        {"v": "1", "s": "a", "n": "3", "p": "first", "k": "explode", "a": "0"},
        {"v": "1", "s": "a", "n": "4", "p": "first", "k": "held", "a": "0", "d": "90000000", "e": "Evil"},
        {"v": "1", "s": "a", "n": "5", "p": "x" * 5000, "k": "held", "a": "0"},
        {"v": "1", "s": "a", "n": "6", "p": "first", "k": "up", "a": "999999999999"},
    ):
        client.xadd(stream, fields)
    client.xadd(stream, {"big": "x" * 5_000_000})
    client.set("chat-router:{test}:replicas-of-others", "x")
    one, _ = router_of(server)
    async with one:
        await until(lambda: is_shared(one))

        assert "closed" == first(one).breaker.state
        assert first(one).can_answer
        binding: Any = one.sharing
        assert (10, 1) == (binding.reading.nonsense, binding.agreement.unknown)
    client.close()


async def test_values_of_a_wrong_type_count_as_a_store_that_is_away(server):
    client = server.client()
    client.set("chat-router:{test}:evidence", "a string")
    one, seen = router_of(server)
    async with one:
        await until(lambda: (one.health(), seen.told)[1])
        assert "text" == (await one.complete(HELLO)).text
        assert [(False, "ResponseError")] == [(event.shared, event.reason) for event in seen.told]

        client.delete("chat-router:{test}:evidence")
        await until(lambda: is_shared(one))
    client.close()


async def test_nothing_secret_is_stored(server):
    canary = "hunter2-canary"
    one, _ = router_of(server, NotWorking(f"{canary} at https://{canary}.example"))
    client = server.client()
    async with one:
        await until(lambda: is_shared(one))
        await one.complete([{"role": "user", "content": canary}])
        await until(lambda: client.xlen("chat-router:{test}:evidence") > 0)
        await anyio.sleep(1.1)  # a sign of life with the new belief
        everything = [repr(client.xrange("chat-router:{test}:evidence")), repr(client.keys())]
        everything += [repr(client.get(key)) for key in client.keys("*belief*")]

        assert "NotWorking" in everything[0]
        assert canary not in "".join(everything)
    client.close()


async def test_a_request_that_fails_by_itself_is_never_told(server):
    from adapters import InvalidRequest

    one, _ = router_of(server, InvalidRequest("too odd"))
    client = server.client()
    async with one:
        await until(lambda: is_shared(one))
        for _ in range(5):
            await one.complete(HELLO)
        await anyio.sleep(0.2)
        told = {fields[b"p"] for _, fields in client.xrange("chat-router:{test}:evidence")}

        assert {b"second"} == told
    client.close()


async def test_closing_ends_the_threads_and_takes_the_replica_off(server):
    one, _ = router_of(server)
    before = threading.active_count()
    await one.complete(HELLO)  # never entered
    await until(lambda: is_shared(one))
    with promptly(0.5):
        await one.aclose()

    assert before >= threading.active_count()
    client = server.client()
    assert 0 == client.zcard("chat-router:{test}:replicas")
    client.close()


async def test_one_monitor_probes_for_all(server):
    chains = [[ScriptedAdapter("first", "text"), ScriptedAdapter("second", "text")] for _ in range(3)]
    routers = [Router(chain, observers=[], replicas=Replicas(server.url, "test")) for chain in chains]
    async with routers[0], routers[1], routers[2]:
        for router in routers:
            await until(partial(is_shared, router))
        async with routers[0].monitor(0.4) as a, routers[1].monitor(0.4) as b, routers[2].monitor(0.4) as c:
            await until(lambda: min(a.rounds, b.rounds, c.rounds) >= 3)

        probing = [
            each.sharing.writing.probes["first"].held  # type: ignore[union-attr]  # it has replicas
            for each in routers
        ]
        assert [False, False, True] == sorted(probing)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_program_that_forgets_to_close_ends(server, backend):
    program = f"""
import anyio
from adapters.scripted import ScriptedAdapter
from router import Router
from router.replicas import Replicas
async def main():
    router = Router([ScriptedAdapter("first", "text")], replicas=Replicas({server.url!r}))
    print((await router.complete([dict(role="user", content="x")])).text)
    await anyio.sleep(0.2)
anyio.run(main, backend={backend!r})
"""
    ended = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )

    assert (0, "text\n") == (ended.returncode, ended.stdout)


def test_a_router_made_before_a_fork_shares_in_both_processes(server):
    program = f"""
import os
import anyio
from adapters.scripted import ScriptedAdapter
from router import Router
from router.replicas import Replicas
router = Router([ScriptedAdapter("first", "text")], replicas=Replicas({server.url!r}), observers=[])
child = os.fork()
async def main():
    async with router:
        for _ in range(100):
            router.health()
            if not router.sharing.store.away and router.sharing.store.replicas == 2:
                break
            await anyio.sleep(0.05)
        else:
            raise SystemExit(3)
        await anyio.sleep(1.2)
anyio.run(main)
if child:
    raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )

    assert (0, "") == (ended.returncode, ended.stderr)


async def test_what_is_reset_by_hand_is_closed_for_all(server):
    (one, _), (other, _) = router_of(server, breaker=BreakerPolicy(consecutive=3)), router_of(server)
    async with one, other:
        await until(lambda: is_shared(one) and is_shared(other))
        for _ in range(3):
            await one.complete(HELLO)
        await until(lambda: first(other).breaker.state == "open")
        one.reset("first")

        await until(lambda: first(other).breaker.state == "closed")


async def test_what_is_isolated_by_hand_is_so_for_all_and_for_newcomers_until_any_resets_it(server):
    (one, _), (other, _) = router_of(server, "text"), router_of(server, "text")
    one.isolate("first")  # before its first use
    async with one, other:
        await until(lambda: is_shared(one) and is_shared(other))
        await until(lambda: first(other).breaker.state == "isolated")
        assert "isolated by hand; Router.reset() brings it back" == first(one).reason
        assert "isolated by hand in another process; Router.reset() brings it back" == first(other).reason
        assert "skipped" == (await other.complete(HELLO)).attempts[0].outcome

        newcomer, _ = router_of(server, "text")
        async with newcomer:
            await until(lambda: first(newcomer).breaker.state == "isolated")
            newcomer.reset("first")
            await until(lambda: {first(each).breaker.state for each in (one, other)} == {"closed"})
            assert "committed" == (await one.complete(HELLO)).attempts[0].outcome
