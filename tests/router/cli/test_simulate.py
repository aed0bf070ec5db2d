"""`chat-router simulate`: one service until Ctrl-C, and the command that asks it."""

import os
import shlex
import signal
import socket
from contextlib import suppress

import anyio
import pytest
from anyio.abc import Process

from adapters.simulators import SIMULATORS
from adapters.simulators.h2o import H2oSimulator
from router.cli.simulate import simulate
from tests.depth import sampled
from tests.router.cli.command import rest_of, run, run_beside, started
from tests.router.cli.conftest import Command

pytestmark = pytest.mark.anyio


async def said(process: Process) -> list[str]:
    """Return the lines that are said before it waits for Ctrl-C."""
    assert process.stdout is not None
    text = b""
    while b"Ctrl-C" not in text:
        text += await process.stdout.receive()
    return text.decode().splitlines()


@pytest.mark.parametrize("service", sampled(sorted(SIMULATORS), 0.3, "simulators of processes"))
async def test_it_says_how_to_ask_it_and_that_works(service: str) -> None:
    with anyio.fail_after(180):
        async with await started(
            "simulate", service, "--text", "You said: {prompt}", "--delay", "0"
        ) as process:
            lines = await said(process)
            words = shlex.split(lines[2].partition("ask it with: ")[2])
            variables = dict(word.split("=", 1) for word in words if word.startswith("CHAT_ROUTER_"))
            found = await run_beside(*words[words.index("chat-router") + 1 :], **variables)
            process.send_signal(signal.SIGINT)
            code = await process.wait()

    assert lines[0].startswith("http://127.0.0.1:")
    assert (found.code, found.err) == (0, "")
    assert found.out.startswith("You said: ")
    assert code == 130


def two_free_ports() -> int:
    """Return the first of two neighbouring ports that nobody has."""
    for port in range(20_000 + os.getpid() % 10_000, 65_000, 2):
        with socket.socket() as one, socket.socket() as other, suppress(OSError):
            one.bind(("127.0.0.1", port))
            other.bind(("127.0.0.1", port + 1))
            return port
    raise AssertionError("no two neighbouring ports are free")


async def test_a_signal_to_the_one_process_stops_all_its_services() -> None:
    port = two_free_ports()
    with anyio.fail_after(180):
        async with await started("simulate", "h2o", "openai", "--port", str(port)) as process:
            lines = await said(process)
            process.send_signal(signal.SIGTERM)
            code = await process.wait()

    assert [line for line in lines if line.startswith("http")] == [
        f"http://127.0.0.1:{port}",
        f"http://127.0.0.1:{port + 1}/v1",
    ]
    assert code == 143
    for number in (port, port + 1):
        with socket.socket() as again, pytest.raises(ConnectionRefusedError):
            again.connect(("127.0.0.1", number))


async def test_ctrl_c_ends_it_quietly_on_both_backends(backend: str) -> None:
    with anyio.fail_after(180):
        async with await started("simulate", "h2o", "--fault", "stall", "--backend", backend) as process:
            lines = await said(process)
            process.send_signal(signal.SIGINT)
            rest = await rest_of(process.stdout), await rest_of(process.stderr)

            assert (await process.wait(), rest) == (130, (b"", b""))
            assert lines[1] == "  h2o, stall: nothing comes after the request was read, not even headers"


def test_a_port_that_is_taken_is_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        found = run("simulate", "h2o", "--port", str(port))

    assert (found.code, found.out, found.err.count("\n")) == (64, "", 1)
    assert f"port {port} cannot be opened" in found.err
    assert "choose another --port" in found.err


def test_the_list_has_all_services_and_faults(command: Command) -> None:
    found = command("simulate", "--list")

    assert (found.code, found.err) == (0, "")
    for name in (*SIMULATORS, "refuse", "stall_after", "never_closes"):
        assert f" {name}" in found.out
    assert max(map(len, found.out.splitlines())) <= 86


def test_the_list_of_one_service_has_its_own_words(command: Command) -> None:
    found = command("simulate", "h2o", "--list")

    assert found.code == 0
    assert "delete_stall" in found.out


async def test_it_ends_with_what_started_it_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    parents = iter([7, 7, 1])
    monkeypatch.setattr("os.getppid", lambda: next(parents))
    with anyio.fail_after(60):
        assert await simulate([H2oSimulator()]) == 0
    told = capsys.readouterr()

    assert "it also stops when the shell or program that started it ends (or: --keep)" in told.out
    assert told.err == (
        "chat-router: stopped, since the shell or program that started it has ended; --keep goes on\n"
    )


async def test_it_goes_on_where_it_was_told_to(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.getppid", iter([7, 1]).__next__)
    with anyio.move_on_after(0.6) as scope:
        await simulate([H2oSimulator()], stays=True)

    assert scope.cancelled_caught
    assert capsys.readouterr().out.endswith("press Ctrl-C to stop\n")
