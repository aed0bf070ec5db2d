"""What the adapters take, asked of them; and what they send, seen by the simulators of the services."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import anyio
import httpx

import adapters
from adapters import OPTIONS, Adapter, ChatRequest
from adapters.simulators import load
from adapters.simulators.faults import FAULTS
from router import AllProvidersFailed, RequestAborted, RetryPolicy, Router, StreamInterrupted
from tests.docs.made.table import table

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from adapters.simulators.received import Received

SPOKEN: Final[tuple[tuple[str, str, dict[str, Any], dict[str, Any]], ...]] = (
    ("OpenAICompatible", "openai", {}, {"api_key": "sk-simulated-key", "model": "small"}),
    ("Anthropic", "anthropic", {}, {"api_key": "sk-simulated-key", "model": "small"}),
    *(("H2o", "h2o", {"generation": f"G{number}"}, {}) for number in range(1, 6)),
    *(("Opchatgpts", "opchatgpts", {"generation": version}, {}) for version in ("1.x", "2.x", "3.x")),
    *(("Aura", "aura", {"generation": program}, {}) for program in ("openchat-ui", "chatbot-ui")),
    ("ChatAnywhere", "chat_anywhere", {}, {}),
    ("OpenAssistant", "open_assistant", {"session": "a-session"}, {"session_token": "a-session"}),
)
"""Adapter, its simulator, the simulator's settings, and the adapter's."""

_ASKED: Final = [{"role": "user", "content": "Hello"}]
_TEXT: Final = "Well met"
_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{24}")
_NOT_TOLD: Final = frozenset(
    ("accept", "accept-encoding", "connection", "content-length", "content-type", "host", "user-agent")
)
"""Headers that every request has."""
_OF_TIME: Final = frozenset(("stall", "stall_headers", "stall_after", "slow", "endless_comments"))
"""Faults that a clock ends."""
_AT_ONCE: Final = 8


def _made(name: str, url: str = "http://127.0.0.1:9", **settings: Any) -> Adapter:
    adapter: Adapter = getattr(adapters, name)(url, **settings)
    return adapter


def takes() -> str:
    """A row for each adapter: what its requests can have in them."""
    rows = []
    for name, settings in {name: settings for name, _, _, settings in SPOKEN}.items():
        can = _made(name, **settings).capabilities
        options = sorted(can.options)
        most = len(OPTIONS) - len(options) < len(options)
        listed = f"all but {_listed(sorted(OPTIONS - can.options))}" if most else _listed(options)
        rows.append((f"`{name}`", *(_yes(each) for each in (can.tools, can.images, can.needs_auth)), listed))
    return table(("adapter", "tools", "images", "needs a sign-in", "options"), rows)


def _yes(value: object) -> str:
    return "yes" if value else "no"


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"


def wire() -> str:
    """A row for each request of one reply, as the simulator of the service got it."""
    return anyio.run(_wire)


async def _wire() -> str:
    rows = []
    for name, service, simulated, settings in SPOKEN:
        version = str(simulated.get("generation", ""))
        for number, received in enumerate(await _asked(name, service, simulated, settings), 1):
            query = "?" + "&".join(f"{key}=…" for key in received.query) if received.query else ""
            request = f"{number}. `{received.method} {_ID.sub('ID', received.path)}{query}`"
            headers = sorted({key for key, _ in received.headers} - _NOT_TOLD)
            who = f"`{name}` {version}" if number == 1 else ""
            rows.append((who, request, _listed(headers), _listed(_fields(received))))
    return table(("adapter", "request", "headers", "fields of the body"), rows)


async def _asked(
    name: str, service: str, simulated: dict[str, Any], settings: dict[str, Any]
) -> list[Received]:
    """The requests that a first reply takes, of an adapter that knows nothing of the server yet."""
    async with load(service)(**simulated) as simulator:
        base = simulator.url + ("/v1" if service == "openai" else "")
        adapter = _made(name, base, **settings)
        async for _ in adapter.stream(ChatRequest.build(_ASKED)):
            pass
        await adapter.aclose()
        return list(simulator.requests)


class _Tap(httpx.AsyncBaseTransport):
    """Hands requests on, and keeps what came back."""

    def __init__(self) -> None:
        self._inner = httpx.AsyncHTTPTransport()
        self.answers: list[tuple[str, bytearray]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        kept = bytearray()
        self.answers.append((response.headers.get("content-type", ""), kept))
        stream = _Kept(response.stream, kept)
        return httpx.Response(response.status_code, headers=response.headers, stream=stream)

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Kept(httpx.AsyncByteStream):
    def __init__(self, inner: Any, kept: bytearray) -> None:
        self._inner, self._kept = inner, kept

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._inner:
            self._kept += chunk
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


def answers() -> str:
    """A row for each protocol: the shapes of what comes in the answer to the turn, in their order."""
    return anyio.run(_answers)


async def _answers() -> str:
    rows = []
    for name, service, simulated, settings in SPOKEN:
        tap = _Tap()
        await _asked(name, service, {"text": _TEXT, **simulated}, {"transport": tap, **settings})
        (kind, body), *_ = [each for each in tap.answers if b"Well" in each[1]]
        shapes = list(
            dict.fromkeys(_shape(line) for line in re.split(r"\r?\n", body.decode()) if line.strip())
        )
        who = f"`{name}` {simulated.get('generation', '')}".strip()
        rows.append((who, f"`{kind}`" if kind else "none", ", then ".join(shapes)))
    return table(("adapter", "content type", "what comes"), rows)


def _shape(line: str) -> str:
    """A line of an answer without its values, but for the words that tell events apart."""
    prefix, _, rest = line.partition(":") if re.match(r"(data|event|id|retry)?:", line) else ("", "", line)
    value = rest.strip(" \0")
    try:
        found = json.loads(value)
    except ValueError:
        said = value if prefix in ("data", "event") else "its text" if not prefix else "…"
        return f"`{prefix}: {said}`" if prefix else said
    if not isinstance(found, dict):
        return f"`{value}`"
    told = {key: found[key] for key in ("type", "event_type", "subtype") if isinstance(found.get(key), str)}
    words = ", ".join(f"{key}: {word}" for key, word in told.items()) or ", ".join(found)
    return f"`{prefix + ': ' if prefix else ''}{{{words}}}`"


def _fields(received: Received) -> list[str]:
    content_type = received.header("content-type") or ""
    if not received.body:
        return []
    if "form" not in content_type:
        return list(received.json())
    form = received.form()
    return [*form] if "data" not in form else ["data"]


def became() -> str:
    """A row for each fault: what a failure of each service becomes; after content in italics."""
    return anyio.run(_became)


async def _became() -> str:
    newest = {name: (service, simulated, settings) for name, service, simulated, settings in SPOKEN}
    cells: dict[tuple[str, str], str] = {}
    slots = anyio.Semaphore(_AT_ONCE)

    async def meet(fault: str, name: str) -> None:
        async with slots:
            cells[fault, name] = await _met(fault, name, *newest[name])

    faults = [fault for fault in FAULTS if fault not in _OF_TIME]
    async with anyio.create_task_group() as group:
        for fault in faults:
            for name in newest:
                group.start_soon(meet, fault, name)
    rows = [(FAULTS[fault], *(cells[fault, name] for name in newest)) for fault in faults]
    return table(("what the service does", *(f"`{name}`" for name in newest)), rows)


async def _met(
    fault: str, name: str, service: str, simulated: dict[str, Any], settings: dict[str, Any]
) -> str:
    """What a request for a reply meets, where nobody else can be asked."""
    kind = load(service)
    if fault not in kind.faults:
        return "has no such thing"
    if kind.aliases.get(fault) in _OF_TIME:
        return "falls silent"
    async with kind(fault=fault, **simulated) as simulator:
        base = simulator.url + ("/v1" if service == "openai" else "")
        async with Router([_made(name, base, **settings)], retry=RetryPolicy(attempts=1)) as router:
            try:
                await router.complete(_ASKED)
            except (AllProvidersFailed, RequestAborted) as error:
                return type(error.attempts[-1].error).__name__
            except StreamInterrupted as error:
                return f"*{type(error.__cause__).__name__}*"
    return "complete"
