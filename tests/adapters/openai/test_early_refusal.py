"""A server that refuses a long request while it is still being sent is understood, and not held against."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import pytest

from adapters import ContextTooLong, OpenAICompatible
from router import AllProvidersFailed, Router

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.anyio

BODY: Final = b'{"error": {"message": "This model\'s maximum context length is 8192 tokens"}}'
ANSWER: Final = (
    b"HTTP/1.1 413 Too Large\r\ncontent-type: application/json\r\nretry-after: 30\r\n"
    b"content-length: %d\r\n\r\n%b" % (len(BODY), BODY)
)
LONG: Final = [{"role": "user", "content": "x" * 8_000_000}]


@contextmanager
def refusing(how: str) -> Iterator[str]:
    """Answer each connection after its first bytes, and close it with the rest unread; yields the address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(1000)
                connection.sendall(ANSWER)
                if how == "reset":
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_what_the_server_said_before_it_closed_is_read(how: str):
    with refusing(how) as url:
        async with Router([OpenAICompatible(url, model="m")]) as router:
            with pytest.raises(AllProvidersFailed) as failed:
                await router.complete(LONG)

            (error,) = failed.value.causes
            assert isinstance(error, ContextTooLong)
            assert (error.status, error.retry_after) == (413, None)
            assert router.health().can_answer
