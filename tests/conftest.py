"""What all tests share: both backends, and the settings of hypothesis."""

import os

import pytest
from hypothesis import HealthCheck, settings

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
