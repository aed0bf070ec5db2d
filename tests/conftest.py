"""What all tests share: both backends, how deep they dig, and the settings of hypothesis."""

import contextlib
import functools
import gc
import importlib
import inspect
import os
import random
import signal
import sys
import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Final

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

TRACED: Final = 4
"""Cases of one test function of which the coverage is measured, at least: both backends, twice."""
UNTRACED: Final = pytest.StashKey[bool]()
SET_ASIDE: Final = 50
"""Tests between two times at which what they left is set aside."""
_finished = 0

if os.environ.get("RELEASE") != "1":
    # A client of httpx reads all authorities that it trusts: 30 ms with the store of a system, for each of
    # the thousand clients that tests make. They speak to this machine alone, so that one authority does,
    # whose key nobody has. The tests of the release install packages from an index.
    os.environ["SSL_CERT_FILE"] = str(Path(__file__).with_name("authority.pem"))

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that runs us in the background has us ignore Ctrl-C, and the programs that tests start as well.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header() -> str:
    return f"depth: {DEPTH}; to draw the same again: TEST_DEPTH={DEPTH} TEST_SEED={SEED}"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Measures the coverage of a few cases of each test function; tracing them all would double the time.

    What is measured is so the least that the tests cover. A function with many cases has a twentieth traced;
    what is marked `no_cover` is not. TRACE=all traces everything.
    """
    if not config.pluginmanager.hasplugin("_cov") or os.environ.get("TRACE") == "all":
        return
    functions: dict[str, list[pytest.Item]] = {}
    for item in items:
        functions.setdefault(item.nodeid.partition("[")[0], []).append(item)
    for name, cases in functions.items():
        traced = random.Random(name).sample(cases, min(len(cases), max(TRACED, len(cases) // 20)))
        for item in cases:
            item.stash[UNTRACED] = item not in traced or item.get_closest_marker("no_cover") is not None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Takes the tracer away for as long as a test runs that is not to be measured.

    The marker `no_cover` of pytest-cov does not: in a process of xdist its second tracer takes over.
    """
    if not item.stash.get(UNTRACED, False):
        return (yield)
    tracer, of_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(tracer)
        threading.settrace(of_threads)


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Sets aside what the collector of garbage need not look at again: a look costs a tenth of a second."""
    gc.disable()  # hardly anything becomes garbage meanwhile
    try:
        if session.config.args_source is pytest.Config.ArgsSource.TESTPATHS:
            _import_a_share()
        return (yield)
    finally:
        gc.enable()
        _set_aside()


def _import_a_share() -> None:
    """Imports a share of the modules, another one in each process of xdist.

    What pytest makes of their assertions is kept in files, so that in a fresh clone each module is worked on
    once. Where all processes begin with the same module, each does all the work.
    """
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0"))
    if not processes or sys.dont_write_bytecode:
        return
    mine = int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw")) % processes
    here = Path(__file__).parent
    for path in sorted(here.rglob("test_*.py"))[mine::processes]:
        # What cannot be imported is told when it is collected.
        with contextlib.suppress(Exception, pytest.skip.Exception):
            importlib.import_module(".".join(path.relative_to(here.parent).with_suffix("").parts))


def pytest_runtest_logfinish() -> None:
    """Sets aside the reports of tests, now and then: who collects garbage would pay for all of them."""
    global _finished
    _finished += 1
    if _finished % SET_ASIDE == 0:
        _set_aside()


def _set_aside() -> None:
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
