"""What all tests share: both backends, how deep they dig, and the settings of hypothesis."""

import functools
import gc
import inspect
import os
import signal
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests.carrier import carrier
from tests.depth import DEPTH, SEED
from tests.faults import summary as faults
from tests.faults.summary import pytest_sessionfinish, pytest_testnodedown
from tests.virtual_time import VirtualBackend

__all__ = ["carrier", "pytest_sessionfinish", "pytest_testnodedown"]

settings.register_profile(
    "full",
    deadline=None,
    # Continuous integration draws the same examples every time: it says whether a change broke something.
    derandomize=bool(os.environ.get("CI")),
    # A loaded machine draws slowly; that says nothing about a test.
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("quick", settings.get_profile("full"), max_examples=20)
settings.load_profile(DEPTH)


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that runs us in the background has us ignore Ctrl-C, and the programs that tests start as well.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header() -> str:
    return f"depth: {DEPTH}; to draw the same again: TEST_DEPTH={DEPTH} TEST_SEED={SEED}"


def pytest_collection_finish() -> None:
    """Sets aside what the collector of garbage need not look at again: a look costs a tenth of a second."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints what tests recorded as their `summary`: numbers that are worth knowing where nothing failed."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    for report in sorted(reports, key=lambda report: report.nodeid):
        for name, text in report.user_properties:
            if name == "summary":
                terminalreporter.write_line(text)
    faults.pytest_terminal_summary(terminalreporter)


@pytest.fixture(scope="module", params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Runs every async test on both backends, in real time; see `tests.virtual_time` for the other kind."""
    name: str = request.param
    return name


@pytest.fixture(autouse=True)
def _structlog_as_it_was() -> Iterator[None]:
    """Leaves structlog unconfigured behind each test; `capture_logs` configures it on leaving."""
    yield
    if structlog.is_configured():
        structlog.reset_defaults()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> None:
    """Puts a test on virtual time under the eyes of its watch, before anyio's plugin runs it."""
    backend = pyfuncitem.funcargs.get("anyio_backend")
    if isinstance(backend, VirtualBackend) and inspect.iscoroutinefunction(pyfuncitem.obj):
        pyfuncitem.obj = functools.partial(backend.watch.around, pyfuncitem.obj)
