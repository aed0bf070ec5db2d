"""Error objects of OpenAI-like services, mapped to the error tree.

The services agree on the object and on little else: the decisive word stands in `code`, in `type`, in the
message, or nowhere. So it is asked in the order of how much each can be trusted:

1. a word of `code`, `type` or `status` that has one meaning only,
2. a phrase of the message that has one meaning only,
3. the number: the body's own (`429`, `"429 TOO_MANY_REQUESTS"`), else the HTTP status, if it has one meaning;
   403, 404, 405, 410 and 451 alone do not tell whether they speak about the request, so they are ambiguous,
4. a word that only says whose fault it is (`invalid_request_error`, `server_error`),
5. the rest of the numbers; without any, the service failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from adapters.contract.errors import (
    AdapterError,
    AuthenticationFailed,
    ContentRefused,
    ContextTooLong,
    InvalidRequest,
    ModelNotFound,
    NotWorking,
    QuotaExhausted,
    RateLimited,
    ServiceFailed,
)
from adapters.contract.secret import PeerText

if TYPE_CHECKING:
    from collections.abc import Callable

_Kind = type[AdapterError]

_WORDS: Final[Mapping[str, _Kind]] = {
    "insufficient_quota": QuotaExhausted,
    "insufficient_user_quota": QuotaExhausted,
    "insufficient_balance": QuotaExhausted,
    "insufficient_credits": QuotaExhausted,
    "quota_exceeded": QuotaExhausted,
    "billing_hard_limit_reached": QuotaExhausted,
    "billing_not_active": QuotaExhausted,
    "exceeded_current_quota_error": QuotaExhausted,
    "rate_limit_exceeded": RateLimited,
    "rate_limit_error": RateLimited,
    "rate_limit_reached_error": RateLimited,
    "too_many_requests": RateLimited,
    "resource_exhausted": RateLimited,
    "invalid_api_key": AuthenticationFailed,
    "wrong_api_key": AuthenticationFailed,
    "invalid_authentication_error": AuthenticationFailed,
    "authentication_error": AuthenticationFailed,
    "account_deactivated": AuthenticationFailed,
    "permission_error": AuthenticationFailed,
    "unauthenticated": AuthenticationFailed,
    "unauthorized": AuthenticationFailed,
    "context_length_exceeded": ContextTooLong,
    "context_window_exceeded": ContextTooLong,
    "string_above_max_length": ContextTooLong,
    "model_not_found": ModelNotFound,
    "model_not_supported": ModelNotFound,
    "deploymentnotfound": ModelNotFound,
    "content_filter": ContentRefused,
    "content_policy_violation": ContentRefused,
    "responsibleaipolicyviolation": ContentRefused,
    "overloaded_error": ServiceFailed,
    "engine_overloaded": ServiceFailed,
    "service_unavailable": ServiceFailed,
}

# Each row: all of these stand in the message. ChatAnywhere and relays like it send a used-up balance, a long
# input and a model that the free key may not use with the same 403; only the sentence tells them apart.
_PHRASES: Final[tuple[tuple[tuple[str, ...], _Kind], ...]] = (
    (("余额",), QuotaExhausted),
    (("额度", "不足"), QuotaExhausted),
    (("积分", "不足"), QuotaExhausted),
    (("balance", "insufficient"), QuotaExhausted),
    (("balance", "not enough"), QuotaExhausted),
    (("balance", "too low"), QuotaExhausted),
    (("exceeded your current quota",), QuotaExhausted),
    (("insufficient", "quota"), QuotaExhausted),
    (("insufficient", "credit"), QuotaExhausted),
    (("key limit exceeded",), QuotaExhausted),
    (("requires moderation",), ContentRefused),
    (("was flagged",), ContentRefused),
    (("content management policy",), ContentRefused),
    (("no endpoints found",), InvalidRequest),
    (("data policy",), InvalidRequest),
    (("exceeds the available context size",), ContextTooLong),
    (("token小于",), ContextTooLong),
    (("number of prompt tokens", "limited to"), ContextTooLong),
    (("maximum context length",), ContextTooLong),
    (("context length", "exceed"), ContextTooLong),
    (("context window", "exceed"), ContextTooLong),
    (("prompt is too long",), ContextTooLong),
    (("input is too long",), ContextTooLong),
    (("api限制使用",), ModelNotFound),
    (("limit", "to use gpt-"), ModelNotFound),
    (("无权使用模型",), ModelNotFound),
    (("model", "does not exist"), ModelNotFound),
    (("model", "not found"), ModelNotFound),
    (("model", "not exist"), ModelNotFound),
    (("no such model",), ModelNotFound),
    (("unknown model",), ModelNotFound),
    (("apikey错误",), AuthenticationFailed),
    (("incorrect api key",), AuthenticationFailed),
    (("invalid api key",), AuthenticationFailed),
    (("wrong api key",), AuthenticationFailed),
    (("rate limit",), RateLimited),
    (("too many requests",), RateLimited),
)

_BLAME: Final[Mapping[str, _Kind]] = {
    "invalid_request_error": InvalidRequest,
    "invalid_argument": InvalidRequest,
    "bad_request": InvalidRequest,
    "server_error": ServiceFailed,
    "internal_server_error": ServiceFailed,
    "internal_error": ServiceFailed,
    "api_error": ServiceFailed,
}

_DECISIVE: Final[Mapping[int, _Kind]] = {
    401: AuthenticationFailed,
    402: QuotaExhausted,
    403: AuthenticationFailed,
    404: NotWorking,
    405: NotWorking,
    407: AuthenticationFailed,
    408: ServiceFailed,
    409: ServiceFailed,
    410: NotWorking,
    425: ServiceFailed,
    429: RateLimited,
    451: NotWorking,
    501: InvalidRequest,
}
_AMBIGUOUS: Final = frozenset((403, 404, 405, 410, 451))
_READ: Final = 2000  # characters of a message that are searched; the peer decides how many there are
_shown: Final = PeerText()


def error_from(
    error: object, status: int | None = None, shown: Callable[[str], str] = _shown
) -> AdapterError:
    """Return the error that an OpenAI-like error object stands for. It never raises, whatever `error` is.

    Args:
        error: The object, the whole payload around it, or just text.
        status: The HTTP status of the answer, where there was one.
        shown: Makes a peer's text fit to be shown: masked, cut, in one line.
    """
    fields = _fields(error)
    message = _text(fields.get("message") or fields.get("msg"))
    words = [_text(fields.get(name)) for name in ("code", "type", "status")]
    number = next((n for n in map(_number, words) if n), status)
    kind, by_number = _kind([word.lower() for word in words if word], message[:_READ].lower(), number)
    labels = ", ".join(shown(word) for word in words[:2] if word) or (str(number) if number else "no code")
    text = f"the provider reports an error ({labels}): {shown(message) or 'no message'}"
    return kind(text, status=status, ambiguous=by_number and number in _AMBIGUOUS)


def is_harmless(error: object) -> bool:
    """Whether this is the error object that says that all is well; ChatAnywhere puts it in good streams."""
    return (
        isinstance(error, Mapping) and not error.get("message") and _text(error.get("code")).startswith("200")
    )


def _fields(error: object) -> Mapping[str, Any]:
    """Return the innermost error object, whatever it is wrapped in."""
    for _ in range(4):
        if isinstance(error, list) and error:  # Google wraps the payload, FastAPI the detail
            error = error[0]
        if not isinstance(error, Mapping):
            break
        inner = error.get("error") or error.get("detail")
        if not inner or isinstance(inner, bool):
            return error
        if isinstance(inner, str):
            return {**error, "message": inner}
        error = inner
    return error if isinstance(error, Mapping) else {"message": error}


def _text(value: object) -> str:
    """Return what may be a word, a number or a sentence as text; structures are no words."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63:
        return str(value)
    return ""


def _number(word: str) -> int | None:
    """Return the HTTP status that a code such as `429 TOO_MANY_REQUESTS` starts with."""
    start = word[:3]
    if start.isascii() and start.isdigit() and 400 <= int(start) <= 599 and not word[3:4].isdigit():
        return int(start)
    return None


def _kind(words: list[str], message: str, number: int | None) -> tuple[_Kind, bool]:
    """Return the class of the error, and whether only the number said so."""
    if "request too large" in message and "token" in message:
        return ContextTooLong, False  # told with the word and the status of a rate limit
    for word in words:
        if word in _WORDS:
            return _WORDS[word], False
    for phrases, kind in _PHRASES:
        if all(phrase in message for phrase in phrases):
            return kind, False
    if number == 404 and ("model" in message or "模型" in message):
        return ModelNotFound, False
    if number is not None and number in _DECISIVE:
        return _DECISIVE[number], True
    for word in words:
        if word in _BLAME:
            return _BLAME[word], False
    return (InvalidRequest if number is not None and 400 <= number <= 499 else ServiceFailed), True
