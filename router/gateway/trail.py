"""Ends a request that comes back to the gateway that sent it, through whatever it went."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Final

from adapters.contract.hops import HEADER
from router.gateway.failure import Failure, Refused

if TYPE_CHECKING:
    from starlette.types import Scope

_HEADER: Final = HEADER.encode()
_ID: Final = re.compile(rb"\b[0-9a-f]{16}\b")
_MOST: Final = 8
"""Gateways in a row. More of them are a loop of processes that forget each other."""


class Trail:
    """Marks the requests that a gateway sends on, and knows them when they come back."""

    def __init__(self) -> None:
        self._id = secrets.token_hex(8)
        self._first = ((HEADER, self._id),)

    def after(self, scope: Scope) -> tuple[tuple[str, str], ...]:
        """Return the header that the requests to providers carry while a request is answered.

        Args:
            scope: Of the request.

        Raises:
            Refused: It came from this gateway, or through too many.
        """
        came = [value for name, value in scope["headers"] if name == _HEADER]
        if not came:
            return self._first
        ids = [each.decode("ascii") for value in came for each in _ID.findall(value)]
        if self._id in ids:
            raise _loop("this request has come back to the gateway that sent it")
        if len(ids) >= _MOST:
            raise _loop(f"this request has come through {len(ids)} gateways, so they ask each other")
        return ((HEADER, ", ".join([*ids, self._id])),)


def _loop(what: str) -> Refused:
    advice = "the base_url of a provider leads to the gateway itself; change it, or the gateway's port"
    return Refused(Failure(508, "loop_detected", f"{what}: {advice}", "loop_detected", repeats=False))
