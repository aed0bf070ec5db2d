"""What an operator may do to a provider: isolate, reset and probe it.

A web page elsewhere can have a browser send a request here, but neither with the key, which no browser keeps,
nor with these headers, for which a browser asks the gateway first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import anyio
from starlette.responses import JSONResponse, Response

from adapters.contract.errors import BadReply
from adapters.contract.message import nearest
from adapters.wire.json import decode
from router.gateway.page.pictures import ACTIONS
from router.gateway.page.refusals import HEADERS, refusal, told
from router.report.words import clean, phrase, span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive, Scope, Send

    from adapters.contract import ProbeLevel
    from router import Router
    from router.gateway.page.served import Served

_LARGEST: Final = 64 * 1024
"""Bytes of a body: one name."""
SLOWEST: Final = 10.0
"""Seconds that a body may take."""
_LEVELS: Final[Mapping[object, ProbeLevel]] = {None: "reach", "reach": "reach", "answer": "answer"}


class _Wrong(Exception):
    """The request asks for nothing that can be done; the message says why."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Operations:
    """The endpoints `/admin/{isolate,reset,probe}`, as an ASGI application.

    Args:
        gateway: Whose providers are meant.
    """

    def __init__(self, gateway: Served) -> None:
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        answer = await self._answer(scope, receive)
        await answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        if not self._gateway.admission.admin(scope):
            return refusal()
        if scope["path_params"]["action"] not in ACTIONS:
            return told(404, "unknown_action", f"there is no such action; there are: {', '.join(ACTIONS)}")
        if not _is_json(scope):
            return told(415, "not_json", "send the body as Content-Type: application/json")
        try:
            asked = _object(await _body(receive))
            router = self._gateway.router
            name = _provider(asked, router)
            said = await _done(scope["path_params"]["action"], name, asked, router)
        except _Wrong as wrong:
            further = {} if wrong.status == 400 else {"connection": "close"}  # the rest was not read
            return told(wrong.status, "invalid_request", str(wrong), **further)
        return JSONResponse(said, headers=HEADERS)


def _is_json(scope: Scope) -> bool:
    kinds = [value for name, value in scope["headers"] if name == b"content-type"]
    return len(kinds) == 1 and kinds[0].partition(b";")[0].strip().lower() == b"application/json"


async def _body(receive: Receive) -> bytes:
    body = b""
    with anyio.move_on_after(SLOWEST):
        while len(body) <= _LARGEST:
            message = await receive()
            part: bytes = message.get("body", b"")
            body += part
            if not message.get("more_body", False):  # whole, or the client left
                return body
        raise _Wrong(f"the body is over {_LARGEST} bytes; send one provider's name", 413)
    raise _Wrong(f"the body did not come within {SLOWEST:g} s", 408)


def _object(body: bytes) -> dict[str, Any]:
    try:
        asked = decode(body)
    except BadReply:
        asked = None
    if not isinstance(asked, dict):
        raise _Wrong('the body must be a JSON object such as {"provider": "NAME"}')
    return asked


def _provider(asked: Mapping[str, Any], router: Router) -> str:
    """Return the name of the provider that is meant; the page has names as they are shown."""
    given = asked.get("provider")
    for name in router.providers:
        if isinstance(given, str) and given in (name, clean(name, len(name) + 1)):
            return name
    shown = [clean(name) for name in router.providers]
    near = nearest(given, shown) if isinstance(given, str) else ""
    raise _Wrong(f"provider must be the name of one{near or ';'} there are: {', '.join(shown)}")


async def _done(action: str, name: str, asked: Mapping[str, Any], router: Router) -> dict[str, object]:
    shown = clean(name)
    if action == "isolate":
        router.isolate(name)
        said = f"{shown} is isolated: no request asks it until it is reset."
    elif action == "reset":
        router.reset(name)
        said = f"{shown} is reset: requests may ask it again."
    else:
        said = await _probed(name, asked, router)
    entry = next(each for each in router.health().providers if each.provider == name)
    if action == "reset" and not entry.can_answer:
        until = "" if entry.back_in is None else f" for {entry.back_in:.0f} s more"
        said = f"{shown} is reset, but no request asks it{until}: {phrase(entry.reason, entry)}."
    return {"provider": name, "action": action, "state": entry.state, "said": said}


async def _probed(name: str, asked: Mapping[str, Any], router: Router) -> str:
    level = asked.get("level")
    if not (level is None or isinstance(level, str)) or level not in _LEVELS:
        raise _Wrong("level must be reach or answer; leave it out for reach")
    report = await router.check(_LEVELS[level], providers=[name])
    entry = next(each for each in report.providers if each.provider == name)
    if entry.probe is None:
        found = "was not probed"
    elif not entry.probe.asked:
        found = f"was not asked: {phrase(entry.probe.reason, entry)}"
    else:
        found = f"was probed in {span(entry.probe.seconds)}"
    return f"{clean(name)} {found}; it is {entry.state}: {phrase(entry.reason, entry)}."
