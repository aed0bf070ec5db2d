"""What went wrong at an Open-Assistant site: of a request by its answer, of an answer by its message's state.

| a request answered | stands for |
|---|---|
| 401 or 403, empty | no session, an expired one, or a banned user |
| 404, empty | the chat is switched off at this site |
| 413 | the prompt is over the site's limit |
| 422 `Model … not found`, `Model … not in allowed models` | the model |
| 422, a list of `{loc, msg}` | a field of the request |
| 500 `Something went wrong`, when an answer is asked for | the rate limit, meant as a 429, or anything |
| 503 `… currently busy …` | the work queue is full |

The reason why an answer was aborted stands in the error event alone, in the worker's own words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from adapters.contract.errors import (
    AdapterError,
    AuthenticationFailed,
    BadReply,
    ContextTooLong,
    InvalidRequest,
    ModelNotFound,
    NotWorking,
    ServiceFailed,
)
from adapters.contract.reader import reader
from adapters.open_assistant.codec import ABORTED, CANCELLED, TIMEOUT
from adapters.open_assistant.next_auth import PLAIN, SECURE
from adapters.wire.error_body import is_page, words
from adapters.wire.json import decode
from adapters.wire.phrases import Row, kind_in

if TYPE_CHECKING:
    from collections.abc import Callable

_ANSWER: Final = "/api/chat/assistant_message"
# A card without memory is a fault of the worker, however long its sentence about lengths is: it comes first.
_WORKER: Final[tuple[Row, ...]] = (
    (("cuda",), ServiceFailed),
    (("out of memory",), ServiceFailed),
    (("must have less than", "tokens"), ContextTooLong),
    (("inputs", "max_new_tokens"), ContextTooLong),
    (("input", "length"), ContextTooLong),
    (("input", "too long"), ContextTooLong),
    (("prompt", "too long"), ContextTooLong),
    (("context", "length"), ContextTooLong),
    (("maximum", "length"), ContextTooLong),
    (("input validation error",), InvalidRequest),
)
_STATES: Final = {
    ABORTED: "the worker gave the answer up",
    CANCELLED: "another question on the same account cancelled the answer; an account holds one conversation",
    TIMEOUT: "no worker took the work in time",
}


def how_to_sign_in() -> str:
    """Return what to do where the site wants to know who asks."""
    others = ", session_token=…, or the file that an extension exports, cookies='cookies.txt'"
    return (
        f"sign in with a browser and take the site's cookie over: {reader().cookie(PLAIN)} "
        f"(on https it is called {SECURE}){reader().in_code(others)}"
    )


def refusal(
    path: str, status: int, body: bytes, where: str, shown: Callable[[str], str]
) -> AdapterError | None:
    """Return the error that a refused request stands for, or None where the status says as much.

    Args:
        path: Of the request.
        status: Of the answer.
        body: Of the answer.
        where: The step, for the message.
        shown: Makes a peer's text fit to be shown.
    """
    if is_page(body):
        return None  # of a proxy in front, or of no such site at all
    said = words(body)
    if status in (401, 403):
        told = f": {shown(said)}" if said else ""
        return AuthenticationFailed(
            f"{where} answered {status}{told}; the session is missing, expired or banned; {how_to_sign_in()}"
        )
    if status == 404 and not said:
        return NotWorking(f"{where} answered 404; the chat is switched off at this site; ask its operator")
    if status == 413 and "number of messages" not in said.lower():
        return ContextTooLong(f"{where} answered 413: {shown(said)}; shorten the messages")
    if status == 422:
        return _invalid(body, said, where, shown)
    if status == 500 and path == _ANSWER and "something went wrong" in said.lower():
        return ServiceFailed(
            f"{where} answered 500: {shown(said)}; this is how the site tells its rate limit (20 answers in "
            "about 11 minutes), and other failures; wait, or look at its logs"
        )
    return None


def _invalid(body: bytes, said: str, where: str, shown: Callable[[str], str]) -> AdapterError:
    lowered = said.lower()
    if lowered.startswith("model ") and ("not found" in lowered or "not in allowed" in lowered):
        return ModelNotFound(f"{where}: {shown(said)}; the probe lists the models of this site")
    told = "; ".join(_fields(body)) or said
    return InvalidRequest(f"{where} answered 422: {shown(told)}")


def _fields(body: bytes) -> list[str]:
    """Return the complaints of a validation error, each with its field."""
    try:
        found = decode(body)
    except BadReply:
        return []
    items = found.get("message") if isinstance(found, dict) else None
    return (
        [_complaint(item) for item in items[:3] if isinstance(item, dict)] if isinstance(items, list) else []
    )


def _complaint(item: dict[str, Any]) -> str:
    place = item.get("loc")
    names = [str(part) for part in place[:5]] if isinstance(place, list) else []
    return f"{'.'.join(names)}: {item.get('msg')}" if names else str(item.get("msg"))


def failure(state: Any, said: str | None, where: str, shown: Callable[[str], str]) -> AdapterError:
    """Return the error that an answer ended with.

    Args:
        state: Of the message object.
        said: What the error event says; None where there was none.
        where: The step, for the message.
        shown: Makes a peer's text fit to be shown.
    """
    kind = kind_in(said or "", _WORKER) or ServiceFailed
    told = (
        _STATES.get(state, "the service reports an error")
        if isinstance(state, str)
        else "the service reports an error"
    )
    return kind(f"{where}: {told}" + (f": {shown(said)}" if said else ""))
