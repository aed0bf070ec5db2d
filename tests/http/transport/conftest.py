"""The tests of the transport run on asyncio, trio, and on uvloop where it is installed."""

import importlib.util
from typing import Any

import pytest

BACKENDS: list[Any] = ["asyncio", "trio"]
if importlib.util.find_spec("uvloop"):
    BACKENDS.append(pytest.param(("asyncio", {"use_uvloop": True}), id="uvloop"))


@pytest.fixture(scope="module", params=BACKENDS)
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param
