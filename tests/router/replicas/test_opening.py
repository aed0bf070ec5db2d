"""What an operator said holds from the first request of a process that starts later, and after a reload."""

from __future__ import annotations

from functools import partial

import anyio
import pytest

from adapters import ServiceFailed
from adapters.scripted import ScriptedAdapter
from adapters.simulators.openai import OpenAISimulator
from router import BreakerPolicy, Router
from router.gateway.gateway import Gateway
from router.gateway.settings import GatewaySettings
from router.replicas import Replicas
from router.replicas.scripts import Keys
from tests.depth import QUICK
from tests.promptly import promptly
from tests.router.cli.command import run
from tests.router.recording import HELLO
from tests.router.replicas.servers import Server, server
from tests.router.replicas.test_replicas import Observed, first, is_shared, until

pytestmark = pytest.mark.anyio
__all__ = ["server"]


def router_of(server: Server, *observers: Observed) -> Router:
    chain = [ScriptedAdapter("first", "one"), ScriptedAdapter("second", "two")]
    return Router(chain, observers=list(observers), replicas=Replicas(server.url, "test"))


async def test_the_first_request_of_a_process_that_starts_knows_what_an_operator_said(server):
    async with router_of(server) as one:
        await until(lambda: is_shared(one))
        one.isolate("first")
        await until(lambda: not one.sharing.agreement.outbox)  # type: ignore[union-attr]  # it has replicas
        await anyio.sleep(0.1)
        async with router_of(server) as other:
            assert "second" == (await other.complete(HELLO)).provider
            gateway = Gateway(other, GatewaySettings())
            async with router_of(server) as next_one:
                gateway.change(next_one, GatewaySettings())
                assert "second" == (await gateway.router.complete(HELLO)).provider
                assert "in another process" in (next_one.health().providers[0].reason or "")

        one.reset("first")
        await anyio.sleep(0.1)
        async with router_of(server) as last:
            assert "first" == (await last.complete(HELLO)).provider


async def test_after_a_reload_it_still_says_that_it_was_isolated_here(server):
    async with router_of(server) as one:
        await until(lambda: is_shared(one))
        one.isolate("first")
        await until(lambda: not one.sharing.agreement.outbox)  # type: ignore[union-attr]  # it has replicas
        async with router_of(server) as next_one:
            Gateway(one, GatewaySettings()).change(next_one, GatewaySettings())
            assert "isolated by hand; " in (first(next_one).reason or "")


async def test_a_router_and_the_one_before_it_count_as_one_replica(server):
    seen, failed = Observed(), Observed()
    async with router_of(server) as one, router_of(server):
        await until(lambda: is_shared(one) and one.sharing.store.replicas == 2)  # type: ignore[union-attr]  # it has replicas
        short, heir = router_of(server, failed), router_of(server, seen)
        short.sharing.succeed(one.sharing)  # type: ignore[union-attr]  # it has replicas
        async with short:
            await until(lambda: is_shared(short))
        heir.sharing.succeed(one.sharing)  # type: ignore[union-attr]  # it has replicas
        async with heir:
            await until(lambda: is_shared(heir))
            await one.aclose()
            assert Replicas(server.url).client().zcard(Keys("test").alive) == 2

    assert [2] == [event.replicas for event in failed.told] == [event.replicas for event in seen.told]


async def test_a_silent_store_delays_the_start_by_the_bound_and_is_told_once(server):
    seen = Observed()
    server.stop()
    try:
        with promptly(2):
            async with router_of(server, seen) as one:
                assert "first" == (await one.complete(HELLO)).provider
                await until(lambda: seen.told or not one.health())
    finally:
        server.go_on()

    assert [False] == [event.shared for event in seen.told]


async def test_an_answer_to_a_probe_of_one_process_lets_all_try_again(server):
    def made() -> Router:
        first = ScriptedAdapter.each("first", [[ServiceFailed("down")], ["well"]])
        chain = [first, ScriptedAdapter("second", "two")]
        breaker = BreakerPolicy(consecutive=1, open_for=300)
        return Router(chain, observers=[], breaker=breaker, replicas=Replicas(server.url, "probed"))

    async with made() as one, made() as other:
        await until(lambda: is_shared(one) and is_shared(other))
        await one.complete(HELLO)
        await until(lambda: first(other).breaker.state == "open")
        await one.check("answer", providers=["first"])
        assert first(one).breaker.state == "half-open"
        await until(lambda: first(other).breaker.state == "half-open")

        async def answered_by_first() -> bool:
            return (await one.complete(HELLO)).provider == "first"

        with anyio.fail_after(10):
            while not await answered_by_first():  # noqa: ASYNC110 - the leave for the trial is asked for meanwhile
                await anyio.sleep(0.02)
        await until(lambda: first(other).breaker.state == "closed")


@pytest.mark.parametrize(("action", "state"), [("probe", "half-open"), ("reset", "closed")])
async def test_a_probe_or_a_reset_of_a_process_that_was_idle_lets_all_try_again(server, action, state):
    """What it heard of the break waits to be applied until the router is used."""

    def made(*turns: list[str | ServiceFailed]) -> Router:
        chain = [ScriptedAdapter.each("first", list(turns), model="small"), ScriptedAdapter("second", "two")]
        breaker = BreakerPolicy(consecutive=1, open_for=300)
        return Router(chain, observers=[], breaker=breaker, replicas=Replicas(server.url, "idle"))

    async with made([ServiceFailed("down")], ["well"]) as one, made(["well"]) as other:
        await until(lambda: is_shared(one) and is_shared(other))
        await one.complete(HELLO)
        await until(lambda: bool(other.sharing.agreement.inbox))  # type: ignore[union-attr]  # it has replicas
        if action == "probe":
            await other.check("answer", providers=["first"])
        else:
            other.reset("first")
        assert first(other).breaker.state == state
        await until(lambda: first(one).breaker.state == state)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.skipif(QUICK, reason="starts two programs")
async def test_a_check_from_the_command_line_knows_it_too_or_says_that_it_does_not(server, tmp_path):
    file = tmp_path / "router.toml"
    async with OpenAISimulator() as service, router_of(server) as one:
        file.write_text(
            f'[[provider]]\nadapter = "openai"\nname = "first"\nbase_url = "{service.url}/v1"\n'
            'model = "small"\n[replicas]\nurl = { env = "STORE" }\nnamespace = "test"\n'
        )
        health = partial(run, "health", "--config", str(file), STORE=server.url)
        await until(lambda: is_shared(one))
        one.isolate("first")
        await anyio.sleep(0.1)
        found = await anyio.to_thread.run_sync(health)
        server.stop()
        try:
            deaf = await anyio.to_thread.run_sync(health)
        finally:
            server.go_on()

    assert (found.code, "isolated by hand in another process" in found.out, found.err) == (2, True, "")
    assert "isolated" not in deaf.out
    assert "the store of [replicas] was not heard in time" in deaf.err
