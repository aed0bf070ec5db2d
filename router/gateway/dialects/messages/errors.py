"""A failure in the words of Anthropic: https://platform.claude.com/docs/en/api/errors. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from router.gateway.failure import Failure

_KINDS: Final = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
"""Anthropic has 529 for `overloaded_error`. That status is not registered, and proxies turn it into others;
the gateway sends 503, for which Anthropic's clients have an error too, and repeat the request alike."""


def error_of(failure: Failure) -> dict[str, Any]:
    """Return a failure as Anthropic's error object: the document, and the payload of an `error` event."""
    kind = _KINDS.get(failure.status) or ("invalid_request_error" if failure.status < 500 else "api_error")
    told: dict[str, Any] = {"type": "error", "error": {"type": kind, "message": failure.message}}
    if failure.request_id is not None:
        told["request_id"] = failure.request_id
    return told
