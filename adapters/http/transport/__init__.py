"""What carries requests: a transport of our own for plain and TLS HTTP/1.1, and what wraps httpx's.

request         the head of a request as bytes                                      pure
parser          answers, strict and limited                                         pure
channel         bytes over a non-blocking socket, plain or within TLS               never waits
names           lookups, shared by all who wait for one
connecting      happy eyeballs, and TLS on top
tls             whom we trust
watch           the cheap wait for a socket on asyncio and uvloop
connection      the one place that waits for a socket
idle            what is kept for the next exchange, clean or closed                 never waits
exchange        one request and its answer, from the connection to the last byte
stream_transport  what owns the idle connections; httpx's interface on top
patched         whether a mock or telemetry sits in httpx
hushed          keeps a peer's words out of httpx's log

transport = StreamTransport()
head = request_head(Origin(True, "api.example.org", 443), b"POST", b"/v1/chat", [(b"host", ...), ...])
async with transport.exchange(head, body) as exchange:
    while data := await exchange.receive():
        ...
"""

from adapters.http.transport.exchange import Exchange
from adapters.http.transport.hushed import SAID, Hushed
from adapters.http.transport.parser import ParserLimits
from adapters.http.transport.patched import patched
from adapters.http.transport.request import Origin, RequestHead, request_head
from adapters.http.transport.stream_transport import StreamTransport

__all__ = [
    "SAID",
    "Exchange",
    "Hushed",
    "Origin",
    "ParserLimits",
    "RequestHead",
    "StreamTransport",
    "patched",
    "request_head",
]
