"""What whoever may not see or do something is told, and the headers of every answer."""

from __future__ import annotations

from typing import Final

from starlette.responses import JSONResponse, Response

HEADERS: Final = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


def told(status: int, code: str, message: str, **headers: str) -> Response:
    """Return an error as JSON.

    Args:
        status: Of HTTP.
        code: For programs.
        message: What happened, and what to do.
        headers: Further ones; an underscore in a name stands for a dash.
    """
    further = {name.replace("_", "-"): value for name, value in headers.items()}
    error = {"error": {"message": message, "type": "invalid_request_error", "code": code}}
    return JSONResponse(error, status, headers={**HEADERS, **further})


def refusal() -> Response:
    """Say that the admin key is needed."""
    return told(
        401,
        "admin_key_needed",
        "this needs the gateway's admin key; send it as Authorization: Bearer KEY",
        www_authenticate="Bearer",
    )


def not_there() -> Response:
    """Say that an endpoint is switched off."""
    return told(404, "switched_off", "this endpoint is switched off in the gateway's settings")
