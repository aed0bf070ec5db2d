"""`chat-router serve`, as a process of its own: what it says, its signals, and its mistakes."""

from __future__ import annotations

import json
import os
import re
import signal
import urllib.request
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import pytest

from tests.depth import QUICK
from tests.docs.pages import read
from tests.router.cli.command import rest_of, run, started

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from anyio.abc import Process


class Serving:
    """A process that serves, and where."""

    def __init__(self, process: Process, said: str) -> None:
        self.process = process
        self.said = said
        self.port = int(re.findall(r":(\d+)", said)[0])

    async def ask(self, **fields: Any) -> dict[str, Any]:
        body = {"model": "chat-router", "messages": [{"role": "user", "content": "Hi"}], **fields}
        asked = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/v1/chat/completions",
            json.dumps(body).encode(),
            {"content-type": "application/json"},
        )

        def read() -> dict[str, Any]:
            with urllib.request.urlopen(asked, timeout=60) as answer:
                found: dict[str, Any] = json.load(answer)
                return found

        return await anyio.to_thread.run_sync(read)


@asynccontextmanager
async def serving(*arguments: str, **variables: str) -> AsyncGenerator[Serving, None]:
    process = await started("serve", "--port", "0", *arguments, **variables)
    with anyio.fail_after(240):
        try:
            said = ""
            assert process.stdout is not None
            while "Ctrl-C" not in said:
                said += (await process.stdout.receive()).decode()
            yield Serving(process, said)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            await process.aclose()


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_demo_is_an_endpoint_in_one_command_and_ends_in_good_order() -> None:
    async with serving("--demo") as one:
        assert f"base_url: http://127.0.0.1:{one.port}/v1" in one.said
        assert f"status page: http://127.0.0.1:{one.port}/\n" in one.said
        assert "curl -N" in one.said
        reply = await one.ask()
        one.process.send_signal(signal.SIGHUP)
        await anyio.sleep(0.25)  # it looks ten times a second
        slow = await anyio.connect_tcp("127.0.0.1", one.port)
        async with slow:
            body = json.dumps({"model": "a", "stream": True, "messages": [{"role": "user", "content": "Hi"}]})
            head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n"
            await slow.send(f"{head}\r\n{body}".encode())
            first = await slow.receive()
            one.process.send_signal(signal.SIGTERM)
            rest = first + b"".join([piece async for piece in slow])
        code = await one.process.wait()
        errors = (await rest_of(one.process.stderr)).decode()

    assert reply["choices"][0]["message"]["content"].startswith("You asked: Hi")
    assert rest.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
    assert code == 0
    assert "event=gateway.draining running=1" in errors
    assert "this gateway was not started from a file" in errors
    assert "Traceback" not in errors
    assert "You asked" not in errors
    assert_the_manual_shows_these_lines(errors)


def assert_the_manual_shows_these_lines(errors: str) -> None:
    """The lines of an answered request in the guide to the gateway have the fields that really come."""
    shown = re.sub(r"\n      +", " ", read("docs/operate/gateway.md"))
    for event in ("reply.completed", "gateway.request"):
        assert fields_of(event, errors) == fields_of(event, shown)


def fields_of(event: str, lines: str) -> list[str]:
    """Return the names of the fields of an event's first line."""
    line = re.findall(rf"timestamp=.* event={event} .*", lines)[0]
    return re.findall(r"(\w+)=", re.sub(r'".*?"', "", line))


@pytest.mark.skipif(QUICK, reason="four processes start")
@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_workers_serve_one_port_reload_and_are_started_again(tmp_path: Path) -> None:
    file = tmp_path / "router.toml"
    provider = '[[provider]]\nadapter = "openai"\nmodel = "m"\nbase_url = "http://127.0.0.1:9/v1"\n'
    key = '[[gateway.keys]]\nname = "team"\nkey = { file = "key" }\nrequests_per_minute = 5\n'
    file.write_text(provider + key)
    (tmp_path / "key").write_text("a-key-of-the-team")
    async with serving("--config", str(file), "--workers", "2") as one:
        errors = b""
        assert one.process.stderr is not None
        found: set[int] = set()
        with anyio.fail_after(90):
            while len(found) < 2:
                found = children(one.process.pid)
                await anyio.sleep(0.05)
        await anyio.sleep(4)  # what ends within 3 s of its start is not started again
        os.kill(min(found), signal.SIGKILL)
        with anyio.fail_after(90):
            while len(children(one.process.pid) - {min(found)}) < 2:  # noqa: ASYNC110 - the system sets no event
                await anyio.sleep(0.05)
        with anyio.fail_after(90):
            while not all(map(heeds_sighup, children(one.process.pid))):  # noqa: ASYNC110 - nor of this
                await anyio.sleep(0.05)
        one.process.send_signal(signal.SIGHUP)
        with anyio.fail_after(90):
            while errors.count(b"gateway.reloaded") < 2:
                errors += await one.process.stderr.receive()
        one.process.send_signal(signal.SIGTERM)
        code = await one.process.wait()
        errors += await rest_of(one.process.stderr)

    assert code == 0
    assert b"event=gateway.worker_ended" in errors
    assert errors.count(b"gateway.draining") == 2
    assert b"each of the 2 processes counts for itself, so team may use up to 2 times" in errors
    assert b"Traceback" not in errors


def children(parent: int) -> set[int]:
    with open(f"/proc/{parent}/task/{parent}/children", encoding="ascii") as file:
        return {int(each) for each in file.read().split()}


def heeds_sighup(process: int) -> bool:
    """Return whether a process takes the signal; one that has just been started is ended by it."""
    with open(f"/proc/{process}/status", encoding="ascii") as file:
        caught = next(line for line in file if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) & 1 << (signal.SIGHUP - 1))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--demo", "--host", "0.0.0.0"), "clients must show a key there"),
        (("--demo", "--workers", "2"), "omit --workers"),
        (("--demo", "--config", "x"), "omit --provider and --config"),
        (("--demo", "--port", "70000"), "out of range"),
        (("--config", "nowhere.toml"), "no such file"),
        (("--demo", "--host", "192.0.2.1"), "CHAT_ROUTER_GATEWAY_KEY"),
    ],
)
def test_a_mistake_is_told_before_anything_listens(arguments: tuple[str, ...], words: str) -> None:
    from router.cli import app as commands  # in this process: each start costs half a second

    code, errors = in_this_process(commands.run, ["serve", *arguments])
    assert (code, words in errors) == (64, True), errors


@pytest.mark.parametrize("arguments", [(), ("--workers", "2")])
def test_nothing_is_announced_where_nobody_can_be_asked(
    arguments: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from router.cli import app as commands

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("router.config.environment.PRESETS", {})
    monkeypatch.setattr("router.cli.serve._write_logs", lambda: None)
    code, errors = in_this_process(commands.run, ["serve", "--port", "0", *arguments])

    assert (code, "name at least one provider" in errors) == (64, True), errors
    assert "serving on" not in capsys.readouterr().out


def test_a_file_whose_provider_is_the_gateway_itself_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from router.cli import app as commands
    from router.gateway.serving.binding import listening

    monkeypatch.setattr("router.cli.serve._write_logs", lambda: None)
    with listening("127.0.0.1", 0) as free:
        port = str(free.getsockname()[1])
    file = tmp_path / "router.toml"
    file.write_text(f'[[provider]]\nadapter = "vllm"\nbase_url = "http://localhost:{port}/v1"\nmodel = "m"\n')
    code, errors = in_this_process(commands.run, ["serve", "--config", str(file), "--port", port])

    assert (code, "the provider 'vllm' is this gateway itself" in errors) == (64, True), errors


def in_this_process(command: Any, arguments: list[str]) -> tuple[int, str]:
    import contextlib
    import io

    with contextlib.redirect_stderr(io.StringIO()) as errors:
        return command(arguments), errors.getvalue()


def test_all_mistakes_of_a_file_are_told(tmp_path: Path) -> None:
    file = tmp_path / "router.toml"
    file.write_text('[[provider]]\nadapter = "h2o"\n[gateway]\nbody = 0\nqueue = "x"\ncorse = []\n')
    found = run("serve", "--config", str(file))

    assert found.code == 64
    assert "has 3 mistakes" in found.err
    assert "gateway.corse: unknown key 'corse'; did you mean 'cors'?" in found.err
