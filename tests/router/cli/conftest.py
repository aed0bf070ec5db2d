"""The command in this process, beside simulators that serve in a thread; it runs on both backends."""

import io
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from adapters.openai.presets import PRESETS
from adapters.simulators.server import Simulator
from router.cli import app
from tests.router.cli.command import KEYS, Ended

Serve = Callable[[Simulator], Simulator]
Command = Callable[..., Ended]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["asyncio", "trio"])
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as found:
        yield found


@pytest.fixture
def serve(portal: BlockingPortal, request: pytest.FixtureRequest) -> Serve:
    """Returns a function that runs a simulator in the thread until the test's end."""

    def begin(simulator: Simulator) -> Simulator:
        serving = portal.wrap_async_context_manager(simulator)
        serving.__enter__()
        request.addfinalizer(lambda: serving.__exit__(None, None, None))
        return simulator

    return begin


def nobody_at_home(monkeypatch: pytest.MonkeyPatch, **urls: str) -> None:
    """Point the local servers to `urls`, by name, and the others to a port where nobody listens."""
    table = {
        name: replace(each, base_url=urls.get(name, "http://127.0.0.1:9/v1")) if each.local else each
        for name, each in PRESETS.items()
    }
    monkeypatch.setattr("router.config.environment.PRESETS", table)
    monkeypatch.setattr("adapters.openai.presets.naming.PRESETS", table)


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Returns a function that runs the command in this process, where no key is set and nobody is at home."""
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    nobody_at_home(monkeypatch)

    def run(*arguments: str, stdin: bytes = b"", **variables: str) -> Ended:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        capsys.readouterr()
        code = app.run(list(arguments))
        return Ended(code, *capsys.readouterr())

    return run
