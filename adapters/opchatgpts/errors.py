"""What an error of AI Engine stands for: its status says little, and its English text the rest. Pure.

The plugin hands its backend's errors on as text, under status 500 or as an event. Around it stands what the
site's owner calls the backend ("Mock: ", "From OpenAI: ", " (OpenAI)"), and often a code in brackets. So the
text is searched, for phrases of backends that have one meaning only, and for the plugin's own sentences.
"""

from __future__ import annotations

import re
from typing import Final

from adapters.contract.errors import (
    AdapterError,
    ContentRefused,
    ContextTooLong,
    InvalidRequest,
    ModelNotFound,
    NotWorking,
    QuotaExhausted,
    RateLimited,
    ServiceFailed,
)
from adapters.wire.phrases import Row, kind_in

_Kind = type[AdapterError]
_READ: Final = 2000  # characters that are searched; the peer decides how many there are

# In this order, since an error of a rate may speak of limits and quotas as well. A key is that of the site's
# owner, so a wrong one is no matter of signing in: the site does not work.
_PHRASES: Final[tuple[Row, ...]] = (
    (("query has been rejected",), InvalidRequest),
    (("content_filter",), ContentRefused),
    (("content_policy",), ContentRefused),
    (("content management policy",), ContentRefused),
    (("our safety system",), ContentRefused),
    (("exceeded your current quota",), QuotaExhausted),
    (("insufficient_quota",), QuotaExhausted),
    (("rate limit",), RateLimited),
    (("rate_limit",), RateLimited),
    (("too many requests",), RateLimited),
    (("quota",), QuotaExhausted),
    (("credit balance",), QuotaExhausted),
    (("reached the limit",), QuotaExhausted),
    (("reached your limit",), QuotaExhausted),
    (("maximum context length",), ContextTooLong),
    (("context_length_exceeded",), ContextTooLong),
    (("prompt is too long",), ContextTooLong),
    (("model_not_found",), ModelNotFound),
    (("api key",), NotWorking),
    (("api_key",), NotWorking),
)
_MODEL: Final = re.compile(r"\bmodel\b.{0,120}\b(?:is not available|does not exist)")
_WAIT: Final = re.compile(r"try again in (?:([0-9]{1,3})m(?!s))?(?:([0-9]{1,6}(?:\.[0-9]{1,6})?)(ms|s))?")


def kind_of(message: str, status: int | None = None) -> _Kind:
    """Return the class of error that the plugin's `message` stands for.

    Args:
        message: The plugin's words.
        status: The HTTP status, where it was not 200: it decides where the words do not.
    """
    text = message[:_READ].lower()
    if _MODEL.search(text):
        return ModelNotFound
    known = kind_in(message, _PHRASES)
    if known is not None:
        return known
    if status == 429:
        return RateLimited
    return InvalidRequest if status is not None and 400 <= status < 500 else ServiceFailed


def wait_of(message: str) -> float | None:
    """Return the seconds after which a backend said to try again, or None where it did not say."""
    found = _WAIT.search(message[:_READ].lower())
    if found is None:
        return None
    seconds = 60.0 * int(found[1] or 0) + float(found[2] or 0) / (1000 if found[3] == "ms" else 1)
    return seconds or None
