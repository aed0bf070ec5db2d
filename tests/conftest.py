"""What all tests share: both backends, and the settings of hypothesis."""

import functools
import inspect
import os

import pytest
from hypothesis import HealthCheck, settings

from tests.virtual_time import VirtualBackend

settings.register_profile("local", deadline=None)
settings.register_profile(
    "ci",
    deadline=None,
    derandomize=True,
    # A loaded machine draws slowly; that says nothing about the test.
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(scope="module", params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Runs every async test on both backends, in real time; see `tests.virtual_time` for the other kind."""
    name: str = request.param
    return name


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> None:
    """Puts a test on virtual time under the eyes of its watch, before anyio's plugin runs it."""
    backend = pyfuncitem.funcargs.get("anyio_backend")
    if isinstance(backend, VirtualBackend) and inspect.iscoroutinefunction(pyfuncitem.obj):
        pyfuncitem.obj = functools.partial(backend.watch.around, pyfuncitem.obj)
