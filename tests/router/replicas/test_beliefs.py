"""`chat-router health --replicas`: what each replica believes of each provider, and where they differ."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from adapters import Secret, ServiceFailed
from adapters.scripted import ScriptedAdapter
from router import BreakerPolicy, ConfigError, Router
from router.config import load, shown
from router.replicas import Replicas
from router.replicas.beliefs import Belief, Stop, StoreUnavailable, differences, read
from tests.router.cli.command import run
from tests.router.recording import HELLO
from tests.router.replicas.servers import Server, server

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["server"]
FILE = """
[[provider]]
adapter = "openai"
base_url = "http://127.0.0.1:9/v1"
name = "first"
[replicas]
url = { env = "STORE" }
namespace = "test"
"""


def put(client: Any, replica: str, beliefs: object) -> None:
    client.zadd("chat-router:{test}:replicas", {replica: time.monotonic()})
    text = beliefs if isinstance(beliefs, bytes) else json.dumps(beliefs)
    client.set(f"chat-router:{{test}}:belief:{replica}", text)


def belief(**said: object) -> dict[str, object]:
    return {"first": {"working": "yes", "missing": 0, **stop(**said)}}


def stop(**said: object) -> dict[str, object]:
    return {"breaker": "closed", "open_for": 0, "held_for": 0, "held_by": "", **said}


def test_the_command_shows_where_they_differ(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "router.toml"
    file.write_text(FILE)
    client = server.client()
    models = {"small": stop(breaker="open", open_for=4), "large": stop(held_for=8, held_by="RateLimited")}
    put(client, "a" * 16, belief(breaker="open", open_for=12.5, models={**models, "\x1b": stop(), "odd": 1}))
    spending = {"currency": "USD", "spent": 0.25, "together": 1.5, "budget": 5}
    put(client, "b" * 16, belief(breaker="open", open_for=11.5, models=models, spending=spending))

    found = run("health", "--config", str(file), "--replicas", STORE=server.url)
    assert (0, "") == (found.code, found.err)
    words = (
        "the model 'small': circuit breaker open for 4.0 s more; the model 'large': held back for 8.0 s more"
    )
    words = f"{words} (RateLimited)"
    assert f"aaaaaaaaaaaaaaaa  works; circuit breaker open for 12.5 s more; {words}\n" in found.out
    assert f"11.5 s more; {words}; spent today 0.25 USD here, 1.5 by all together, of 5\n" in found.out
    assert "2 replicas: they agree\n" in found.out

    put(client, "c" * 16, belief(working="not known"))
    found = run("health", "--config", str(file), "--replicas", STORE=server.url)
    assert 1 == found.code
    assert "cccccccccccccccc  not known yet  <- differs\n" in found.out
    assert "3 replicas: they differ about first\n" in found.out
    client.close()


def test_replicas_differ_about_a_model_as_about_the_provider() -> None:
    def believes(replica: str, **models: Stop) -> Belief:
        return Belief(replica, "first", "yes", Stop(), 0, None, models)

    is_open, is_held = (
        believes("a", small=Stop("open", 9)),
        believes("b", small=Stop(held_for=9, held_by="X")),
    )
    assert {} == differences([is_open, believes("c", small=Stop("open", 8))])
    assert {} == differences([believes("a", small=Stop()), believes("c")])
    for pair in ([is_open, believes("c")], [believes("c"), is_held], [is_open, is_held]):
        assert ["first"] == list(differences(pair))


def test_a_store_that_cannot_be_read_is_said(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "router.toml"
    file.write_text(FILE)
    assert 2 == run("health", "--config", str(file), "--replicas", STORE=server.url).code
    server.kill()
    found = run("health", "--config", str(file), "--replicas", STORE=server.url)

    assert (2, "") == (found.code, found.out)
    assert "the store cannot be read (ConnectionError)" in found.err


def test_a_foreign_belief_is_left_out(server: Server) -> None:
    client = server.client()
    for number, said in enumerate(
        [
            b"{", b"[" * 60_000, [], {"first": 1}, belief(working="\x1b[2J"), belief(open_for=1e300),
            belief(held_by="x\n"), belief(missing="1"), b"x" * 5_000_000, {"a\x1b": belief()["first"]},
        ]
    ):  # fmt: skip
        put(client, f"{number:016d}", said)
    put(client, "../../etc/passwd", belief())
    money: dict[str, object] = {"currency": "USD", "spent": 1, "together": None, "budget": 5}
    for number, (name, odd) in enumerate(
        (("currency", "\x1b[2"), ("spent", -1), ("together", "1"), ("budget", 1e300))
    ):
        put(client, f"{number:015d}e", belief(spending={**money, name: odd}))
    put(client, "f" * 16, belief())

    seen = read(Replicas(server.url, "test"))
    assert ["f" * 16] == [each.replica for each in seen if not each.replica.endswith("e")]
    assert [None] * 5 == [each.spending for each in seen]  # what is odd about the money is left out alone

    client.set("chat-router:{test}:replicas", "x")
    with pytest.raises(StoreUnavailable, match="ResponseError"):
        read(Replicas(server.url, "test"))
    client.close()


@pytest.mark.anyio
async def test_living_replicas_say_what_they_believe(server: Server) -> None:
    def router() -> Router:
        chain = [ScriptedAdapter("first", [ConnectionError]), ScriptedAdapter("second", "text")]
        policy = BreakerPolicy(consecutive=2)
        return Router(chain, breaker=policy, observers=[], replicas=Replicas(server.url, "test"))

    async with router() as one, router() as other:
        with anyio.fail_after(30):
            await anyio.sleep(0.3)
            await one.complete(HELLO)
            while True:
                beliefs = await anyio.to_thread.run_sync(read, Replicas(server.url, "test"))
                other.health()
                works = [each for each in beliefs if each.provider == "second" and each.working == "yes"]
                if len(works) == 2:
                    break
                await anyio.sleep(0.05)

    assert {} == differences(beliefs)
    assert [] == read(Replicas(server.url, "test"))  # both took themselves off


@pytest.mark.anyio
async def test_living_replicas_tell_of_the_breaker_of_a_model(server: Server) -> None:
    def router() -> Router:
        first = ScriptedAdapter("first", [ServiceFailed("down")], model="small")
        chain = [first, ScriptedAdapter("second", "text")]
        policy = BreakerPolicy(consecutive=1)
        return Router(chain, breaker=policy, observers=[], replicas=Replicas(server.url, "models"))

    async with router() as one, router() as other:
        with anyio.fail_after(20):
            await one.complete(HELLO)
            seen: list[Belief] = []
            while len(seen) < 2 or not all(each.models for each in seen):
                await anyio.sleep(0.05)
                other.health()
                all_of_them = await anyio.to_thread.run_sync(read, Replicas(server.url, "models"))
                seen = [each for each in all_of_them if each.provider == "first"]

    assert [("small", "open")] * 2 == [(name, stop.breaker) for e in seen for name, stop in e.models.items()]
    assert {} == differences(seen)


@pytest.mark.parametrize(
    ("url", "namespace"),
    [
        ("http://user:hunter2@host", "test"),
        ("redis://", "test"),
        ("redis://host:port", "test"),
        ("redis://host", "a b"),
        ("redis://host", ""),
    ],
)
def test_a_setting_that_cannot_be_used_is_said_without_its_secret(url: str, namespace: str) -> None:
    with pytest.raises(ValueError, match="Replicas") as caught:
        Replicas(url, namespace)

    assert "hunter2" not in str(caught.value)


def test_a_file_and_code_say_the_same(tmp_path: Path) -> None:
    file = tmp_path / "router.toml"
    file.write_text(FILE)
    config = load(file, {"STORE": "redis://:hunter2@127.0.0.1:1/0"})

    assert isinstance(config.replicas, Replicas)
    assert "test" == config.replicas.namespace
    assert 'url = { env = "STORE" }' in shown(config)
    assert "hunter2" not in f"{shown(config)} {config!r} {config.replicas!r}"
    with pytest.raises(ConfigError, match=r"replicas\.url"):
        load(file, {"STORE": "mysql://host"})
    file.write_text(FILE.replace('{ env = "STORE" }', '"redis://127.0.0.1"'))
    with pytest.raises(ConfigError, match=r"replicas\.url"):
        load(file, {})


@pytest.mark.anyio
async def test_a_replicas_is_of_one_router() -> None:
    shared = Replicas(Secret("redis://127.0.0.1:1"))
    first = Router([ScriptedAdapter("first", "text")], replicas=shared)
    with pytest.raises(ValueError, match="another router"):
        Router([ScriptedAdapter("first", "text")], replicas=shared)
    await first.aclose()
    with pytest.raises(TypeError, match="must be a Replicas"):
        Router([ScriptedAdapter("first", "text")], replicas="redis://host")  # type: ignore[arg-type]  # the mistake

    await Router([ScriptedAdapter("first", "text")], replicas=shared).aclose()


@pytest.mark.anyio
async def test_what_is_isolated_is_shown(server: Server) -> None:
    async with Router([ScriptedAdapter("first", "text")], observers=[], replicas=Replicas(server.url)) as one:
        one.health()
        one.isolate("first")
        with anyio.fail_after(5):
            while True:
                beliefs = await anyio.to_thread.run_sync(read, Replicas(server.url))
                if [each.words for each in beliefs] == ["not known yet; isolated by hand"]:
                    break
                await anyio.sleep(0.05)
