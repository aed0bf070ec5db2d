"""HTTP for adapters: one client per provider, limits on everything, and errors by cause.

httpx is used in this package alone, so that it can be replaced. An adapter derives from `HTTPAdapter` and
speaks through a `Session`: the HTTP exchanges of one `stream()` or `probe()` call.
"""

from adapters.http.adapter import HTTPAdapter
from adapters.http.answer import WholeAnswer
from adapters.http.exchange import Answer
from adapters.http.keys import ApiKey
from adapters.http.limits import Limits
from adapters.http.session import Session
from adapters.http.settings import HTTPSettings, segment
from adapters.http.status import error_for_status

__all__ = [
    "Answer",
    "ApiKey",
    "HTTPAdapter",
    "HTTPSettings",
    "Limits",
    "Session",
    "WholeAnswer",
    "error_for_status",
    "segment",
]

HTTPAdapter.__module__ = Limits.__module__ = "adapters"
