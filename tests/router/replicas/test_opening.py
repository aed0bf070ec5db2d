"""What an operator said holds from the first request of a process that starts later, and after a reload."""

from __future__ import annotations

from functools import partial

import anyio
import pytest

from adapters.scripted import ScriptedAdapter
from adapters.simulators.openai import OpenAISimulator
from router import Router
from router.gateway.gateway import Gateway
from router.gateway.settings import GatewaySettings
from router.replicas import Replicas
from tests.depth import QUICK
from tests.promptly import promptly
from tests.router.cli.command import run
from tests.router.recording import HELLO
from tests.router.replicas.servers import Server, server
from tests.router.replicas.test_replicas import Observed, is_shared, until

pytestmark = pytest.mark.anyio
__all__ = ["server"]


def router_of(server: Server, *observers: Observed) -> Router:
    chain = [ScriptedAdapter("first", "one"), ScriptedAdapter("second", "two")]
    return Router(chain, observers=list(observers), replicas=Replicas(server.url, "test"))


async def test_the_first_request_of_a_process_that_starts_knows_what_an_operator_said(server):
    async with router_of(server) as one:
        await until(lambda: is_shared(one))
        one.isolate("first")
        await until(lambda: not one.sharing.agreement.outbox)  # type: ignore[union-attr]
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
