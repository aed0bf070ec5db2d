"""The servers of the tests, each started once; see `running`."""

import os
from collections.abc import Iterator

import pytest

from tests.servers.places import lack_of
from tests.servers.running import Running, running

ASKED_FOR = os.environ.get("REAL_SERVERS") == "1"


def started(name: str, relayed_to: str = "http://127.0.0.1:9/v1") -> Iterator[Running]:
    if not ASKED_FOR:
        pytest.skip("real servers take minutes; run: make test-servers")
    if (lack := lack_of(name)) is not None:
        pytest.skip(lack)
    with running(name, relayed_to) as server:
        yield server


@pytest.fixture(scope="session")
def llama_cpp() -> Iterator[Running]:
    yield from started("llama_cpp")


@pytest.fixture(scope="session")
def litellm(aimock: Running) -> Iterator[Running]:
    yield from started("litellm", aimock.base_url)


@pytest.fixture(scope="session")
def aimock() -> Iterator[Running]:
    yield from started("aimock")
