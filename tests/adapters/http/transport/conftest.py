"""The tests of the transport run on asyncio, trio, and on uvloop where it is installed."""

import importlib.util
import ssl
from collections.abc import AsyncIterator
from typing import Any

import pytest
import trustme

from adapters.http.transport import StreamTransport

BACKENDS: list[Any] = ["asyncio", "trio"]
if importlib.util.find_spec("uvloop"):
    BACKENDS.append(pytest.param(("asyncio", {"use_uvloop": True}), id="uvloop"))


@pytest.fixture(scope="module", params=BACKENDS)
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
async def transport() -> AsyncIterator[StreamTransport]:
    async with StreamTransport() as transport:
        yield transport


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls_contexts(authority: trustme.CA) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Returns the contexts of a server called localhost, and of a client that trusts it."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return server, client
