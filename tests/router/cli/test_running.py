"""What ends a command from outside: Ctrl-C, a signal, a reader that goes away. Nothing is left behind."""

import signal

import anyio
import pytest

from adapters.simulators import load
from adapters.simulators.server import Simulator
from router.cli.mistakes import Mistake
from router.cli.running import alone
from tests.depth import sampled
from tests.router.cli.command import COMMAND, ROOT, environment, rest_of, started

pytestmark = pytest.mark.anyio


def ask(simulator: Simulator, backend: str) -> tuple[str, ...]:
    return ("ask", "Hi", "-p", f"h2o={simulator.url}", "--backend", backend)


def deletions(simulator: Simulator) -> int:
    return sum(received.method == "DELETE" for received in simulator.requests)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_quietly_and_the_conversation_is_deleted(
    backend: str, number: signal.Signals
) -> None:
    async with load("h2o")(text="one two three four", delay=0.05, fault="stall_after") as simulator:
        with anyio.fail_after(180):
            async with await started(*ask(simulator, backend)) as process:
                assert process.stdout is not None
                assert await process.stdout.receive() == b"one"
                process.send_signal(number)
                error = await rest_of(process.stderr)
                code = await process.wait()

        assert (code, error) == (128 + number, b"")
        assert deletions(simulator) == 1
        await simulator.drained()


async def test_a_signal_before_the_first_word_ends_it_as_well(backend: str) -> None:
    async with load("h2o")(fault="stall") as simulator:
        with anyio.fail_after(180):
            async with await started(*ask(simulator, backend)) as process:
                while not simulator.turns:  # noqa: ASYNC110 - the simulator has no event for it
                    await anyio.sleep(0.01)
                process.send_signal(signal.SIGINT)
                code = await process.wait()

        assert (code, deletions(simulator)) == (130, 1)


async def test_a_second_ctrl_c_does_not_wait_for_the_clean_up() -> None:
    async with load("h2o")(text="one two three", delay=0.05, fault="delete_stall") as simulator:
        with anyio.fail_after(180):
            async with await started(*ask(simulator, "asyncio")) as process:
                assert process.stdout is not None
                await process.stdout.receive()
                process.send_signal(signal.SIGINT)
                while not deletions(simulator):  # noqa: ASYNC110 - as above
                    await anyio.sleep(0.01)
                process.send_signal(signal.SIGINT)
                error = await rest_of(process.stderr)

                assert (await process.wait(), error) == (130, b"")


LASTING = [
    (("demo",), b"chat-router"),
    (("health", "--demo", "--watch", "1", "--format", "json"), b"{"),
    (("simulate", "h2o", "aura"), b"Ctrl-C"),
    (("serve", "--demo", "--port", "0"), b"Ctrl-C"),
]


@pytest.mark.parametrize(("arguments", "shown"), sampled(LASTING, 0.2, "commands that last"))
async def test_ctrl_c_ends_every_command_that_lasts(arguments: tuple[str, ...], shown: bytes) -> None:
    with anyio.fail_after(60):
        async with await started(*arguments) as process:
            assert process.stdout is not None
            seen = b""
            while shown not in seen:
                seen += await process.stdout.receive()
            process.send_signal(signal.SIGINT)
            await rest_of(process.stdout)
            error = await rest_of(process.stderr)
            code = await process.wait()

    assert code == 130
    assert b"Traceback" not in error


PIPES = [
    '"$@" demo --speed 20 | head -1',
    '"$@" demo --speed 20 --backend trio | head -3',
    '"$@" chat --demo <<<Hello | head -c 5',
]


@pytest.mark.parametrize("shell", sampled(PIPES, 0.2, "pipes"))
async def test_a_closed_pipe_ends_it_quietly_through_task_groups(shell: str) -> None:
    script = f'{shell} >/dev/null; echo "${{PIPESTATUS[0]}}"'
    with anyio.fail_after(60):
        done = await anyio.run_process(
            ["bash", "-c", script, "bash", *COMMAND], env=environment(), cwd=ROOT, check=False
        )

    assert done.stdout in (b"141\n", b"0\n")
    assert done.stderr == b""


async def test_a_reader_that_goes_away_ends_it_quietly(backend: str) -> None:
    text = "first\n" + "many more words " * 2000
    async with load("h2o")(text=text, delay=0.0005) as simulator:
        shell = '"$@" | head -1; echo "${PIPESTATUS[0]}"'
        with anyio.fail_after(180):
            done = await anyio.run_process(
                ["bash", "-c", shell, "bash", *COMMAND, *ask(simulator, backend)], env=environment(), cwd=ROOT
            )

        assert (done.stdout, done.stderr) == (b"first\n141\n", b"")
        assert deletions(simulator) == 1


async def test_the_error_that_ends_a_command_is_found_in_its_groups() -> None:
    mistake, pipe = Mistake("m"), BrokenPipeError()

    assert alone(mistake) is mistake
    assert alone(BaseExceptionGroup("", [ExceptionGroup("", [ValueError(), mistake])])) is mistake
    assert alone(ExceptionGroup("", [ExceptionGroup("", [pipe])])) is pipe
    assert isinstance(alone(BaseExceptionGroup("", [KeyboardInterrupt(), mistake])), KeyboardInterrupt)
    several = ExceptionGroup("", [ValueError(), TypeError()])
    assert alone(several) is several
    assert isinstance(alone(ExceptionGroup("", [ValueError()])), ValueError)
