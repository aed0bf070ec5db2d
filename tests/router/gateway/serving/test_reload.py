"""What a gateway keeps when its file changes: an operator's word, and what is known of the same account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from adapters.simulators.openai import OpenAISimulator
from router.gateway.serving.source import ConfigFile
from tests.router.gateway.serving.serving import Served, request, served
from tests.router.replicas.servers import Server, server

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio
__all__ = ["server"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # uvicorn's


def write(folder: Path, **providers: str) -> ConfigFile:
    tables = [
        f'[[provider]]\nadapter = "openai"\nname = "{name}"\nbase_url = "{url}/v1"\nmodel = "small"\n'
        for name, url in providers.items()
    ]
    (folder / "router.toml").write_text("[breaker]\nconsecutive = 1\n" + "".join(tables))
    return ConfigFile(folder / "router.toml")


async def reloaded(one: Served, log: pytest.LogCaptureFixture, event: str = "gateway.reloaded") -> None:
    log.clear()
    one.server._reload_soon(0, None)
    with anyio.fail_after(5):
        while event not in log.text:  # noqa: ASYNC110 - seen from outside
            await anyio.sleep(0.01)


async def test_who_is_isolated_stays_so_and_who_fails_is_not_asked_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    async with (
        OpenAISimulator(fault="500") as failing,
        OpenAISimulator(text="first") as first,
        OpenAISimulator(text="reserve") as reserve,
    ):
        chain = {"failing": failing.url, "first": first.url, "reserve": reserve.url}
        source = write(tmp_path, **chain)
        async with served(source=source) as one:
            await reloaded(one, caplog)
            assert b"first" in (await one.ask(request()))[2]
            one.gateway.router.isolate("first")
            asked = len(failing.requests)
            write(tmp_path, **chain, another=reserve.url)
            await reloaded(one, caplog)
            assert "isolation_ended" not in caplog.text
            assert b"reserve" in (await one.ask(request()))[2]
            assert len(failing.requests) == asked, "its breaker is open, and its table did not change"

            write(tmp_path, reserve=reserve.url)
            await reloaded(one, caplog)
            assert "gateway.isolation_ended" in caplog.text
            assert "provider='first'" in caplog.text


async def test_a_wrong_file_is_told_once_where_a_signal_and_a_look_find_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with OpenAISimulator() as service:
        source = write(tmp_path, one=service.url)
        source.read()
        async with served(source=source) as one:
            (tmp_path / "router.toml").write_text("nothing = 1\n")
            await reloaded(one, caplog, "gateway.not_reloaded")
            one.server._reload_soon(0, None)
            await anyio.sleep(0.3)

    assert caplog.text.count("gateway.not_reloaded") == 1


async def test_a_reload_adds_no_replica(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setenv("STORE", server.url)
    source = write(tmp_path, one="http://127.0.0.1:9")
    with source.path.open("a") as file:
        file.write('[replicas]\nurl = { env = "STORE" }\nnamespace = "reload"\n')
    async with served(source=source) as one:
        for _ in range(2):
            await reloaded(one, caplog)
            with anyio.fail_after(5):
                while not (told := [each for each in caplog.records if hasattr(each, "replicas")]):
                    one.gateway.router.health()
                    await anyio.sleep(0.01)
            assert [1] == [each.replicas for each in told]
