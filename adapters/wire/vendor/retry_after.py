"""How long a service asks to be left alone, from wherever it says so. Pure.

Three places: headers that ask for it (`Retry-After`, `retry-after-ms`, and both behind a relay's prefix),
headers that tell when a limit is whole again (`x-ratelimit-reset-*`), and the body (`retryDelay`, "try
again in 1m2.5s"). Where two disagree, the longer one holds: to ask too early costs a refused request, and
often a longer wait. Zero, the past, more than a month and what cannot be read count as absent, and hide
nothing. Only where nothing else is told, a Retry-After of more than a month is one of a month.

Sources of the forms: Retry-After: RFC 9110, 10.2.3. `retry-after-ms`, `x-ratelimit-reset-requests: 6m0s`:
https://platform.openai.com/docs/guides/rate-limits. `2m59.56s`:
https://console.groq.com/docs/rate-limits. `anthropic-ratelimit-*-reset` as RFC 3339:
https://docs.claude.com/en/api/rate-limits. `X-RateLimit-Reset` as milliseconds since 1970, in the body:
https://openrouter.ai/docs/api/reference/limits. `llm_provider-*`:
https://docs.litellm.ai/docs/proxy/response_headers. `retryDelay`: google.rpc.RetryInfo. `estimated_time`:
https://huggingface.co/docs/api-inference. `RateLimit: "default";r=0;t=30`:
https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import TYPE_CHECKING, Final

from adapters.wire.vendor.statements import ErrorBody, plain, read_body

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

LONGEST_WAIT: Final = 31 * 86_400.0
"""Seconds; a service that asks for more has sent nonsense, or something else than a wait."""
_MOST_HEADERS: Final = 200
_LONGEST_VALUE: Final = 200  # characters of one header's value
_EPOCH: Final = 1e9  # a number from here on counts since 1970, in seconds
_EPOCH_MS: Final = 1e12  # and from here on in milliseconds

_SECONDS: Final = {
    **dict.fromkeys(("ns", "us", "µs", "μs"), 0.0),
    **dict.fromkeys(("ms", "millisecond", "milliseconds", "毫秒"), 0.001),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "秒", "秒钟"), 1.0),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes", "分钟", "分"), 60.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours", "小时"), 3600.0),
    **dict.fromkeys(("d", "day", "days", "天"), 86_400.0),
}
_UNITS: Final = "|".join(sorted(_SECONDS, key=len, reverse=True))
_PIECE: Final = rf"[0-9]{{1,12}}(?:\.[0-9]{{1,12}})?\s{{0,2}}(?:{_UNITS})(?![a-z])"
_JOIN: Final = r"(?:\s{0,2}(?:,|and)?\s{0,2})"
_DURATION: Final = re.compile(
    rf"(?:{_PIECE}{_JOIN}){{1,6}}|(?:[0-9]{{1,6}}(?:\.[0-9]{{1,12}})?(?:{_UNITS})){{1,6}}"
)
_PIECES: Final = re.compile(rf"([0-9]{{1,12}}(?:\.[0-9]{{1,12}})?)\s{{0,2}}({_UNITS})")
_NUMBER: Final = re.compile(r"[0-9]{1,15}(?:\.[0-9]{0,12})?")
_TOLD: Final = re.compile(
    r"(?:try again|retry(?:ing)?|retry (?:the|your) request|please wait|wait|available(?: again)?"
    r"|reset(?:s|ting)?|come back|resume[sd]?)"
    r"(?: in| after| for| within| at least)?(?: about| approximately| around| at least)?:? ~?"
    rf"(?P<wait>(?:[0-9]{{1,12}}(?:\.[0-9]{{1,12}})?\s{{0,2}}(?:{_UNITS})(?![a-z])(?:,? and |, ?| ?)){{1,6}}"
    rf"|(?:[0-9]{{1,6}}(?:\.[0-9]{{1,12}})?(?:{_UNITS})){{1,6}})"
)
_TOLD_IN_CHINESE: Final = re.compile(
    r"(?P<wait>[0-9]{1,9}(?:\.[0-9]{1,6})? ?(?:毫秒|秒钟|秒|分钟|小时|天)) ?(?:之?后|以后)"
)
_TOLD_AS_DATE: Final = re.compile(
    r"(?:reset(?:s|ting)?(?: at| on)?|until|again (?:at|on|after)|retry (?:at|after)|access on"
    r"|available (?:at|on|again at)):? "
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2}(?:t| at | )[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)? ?"
    r"(?:z|utc|[+-][0-9]{2}:?[0-9]{2}))"
)
_DATE: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:t| at | )([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(?:\.[0-9]{1,9})? ?"
    r"(z|utc|[+-][0-9]{2}:?[0-9]{2})"
)

_ASKS: Final = frozenset({"retry-after", "x-retry-after", "x-ratelimit-retry-after", "ratelimit-retry-after"})
_ASKS_MS: Final = frozenset({"retry-after-ms", "x-ms-retry-after-ms", "x-retry-after-ms"})
_PREFIX: Final = "llm_provider-"
_LIMIT: Final = re.compile(
    r"(?:x-)?(?:anthropic-)?(?:ratelimit|rate-limit|ratelimitbysize)-(?P<before>[a-z-]{0,40}?)-?"
    r"(?P<what>reset|remaining)(?:-after)?(?:-(?P<behind>[a-z-]{1,40}))?"
)
_STRUCTURED: Final = re.compile(r"(?:\breset=|;\s{0,2}t=)([0-9]{1,12})")

_FIELDS: Final = frozenset({
    "estimatedtime", "ratelimitreset", "resetafter", "resetat", "resetinseconds", "resetsat",
    "resetsinseconds", "retryafter", "retryafterseconds", "retryaftersec", "retryat", "retrydelay", "retryin",
    "waitseconds", "xratelimitreset",
})  # fmt: skip
_FIELDS_MS: Final = frozenset({"retryafterms", "retryinms", "retrydelayms", "resetinms", "resetafterms"})


def may_be_told(names: str) -> bool:
    """Whether one of the headers of these names may ask for a wait.

    Args:
        names: In lower case, with something between them.
    """
    return "limit" in names or "retry" in names  # as in all names below


def wait_of_headers(headers: Mapping[str, str], now: datetime, *, limited: bool = True) -> float | None:
    """Return the seconds that the headers of an answer ask for, or None.

    A limit that is told to be not used up asks for nothing, unless nobody else does: the answer was refused,
    so one of them has to be the reason.

    Args:
        headers: Names, in any case, and values.
        now: The time of the wall clock; the answer's own `Date` goes before it.
        limited: Whether the answer was refused for a limit. Otherwise a limit counts that is told to be used
            up, and no other: a service that failed sends its limits as well.
    """
    if not may_be_told(" ".join(headers).lower()):
        return None
    named = _named(headers)
    clock = _http_date(named.get("date", "")) or now
    asked = [_value(named[name], clock) for name in named if name in _ASKS]
    asked += [_value(named[name], clock, unit=0.001) for name in named if name in _ASKS_MS]
    asked += [_sensible(float(told[1])) for told in _STRUCTURED.finditer(named.get("ratelimit", ""))]
    resets: dict[str, float | None] = {}
    remaining: dict[str, str] = {}
    for name, value in named.items():
        limit = _LIMIT.fullmatch(name)
        if limit is not None:
            of = (limit["before"] or limit["behind"] or "").strip("-")
            if limit["what"] == "reset":
                resets[of] = _value(value, clock)
            else:
                remaining[of] = value
    used_up = [wait for of, wait in resets.items() if _is_zero(remaining.get(of, ""))]
    untold = [wait for of, wait in resets.items() if of not in remaining]
    others = (untold, list(resets.values())) if limited else ()
    for waits in ([*asked, *used_up], *others):
        if (longest := _longest(wait for wait in waits if wait is not None)) is not None:
            return longest
    # A bare Retry-After that is absurdly long is no time to wait for, yet it says that coming back is no use.
    far = _value(named.get("retry-after", ""), clock, longest=math.inf)
    return None if far is None else LONGEST_WAIT


def wait_of_body(error: object, now: datetime | None = None) -> float | None:
    """Return the seconds that an error body asks for, or None. A field goes before a sentence.

    Args:
        error: The body, decoded or not, or one that was taken apart already.
        now: The time of the wall clock; without it dates are not read.
    """
    body = error if isinstance(error, ErrorBody) else read_body(error)
    told = [wait for statement in body.statements for wait in _of_fields(statement.fields, now)]
    if not told and not body.page:
        told = [
            wait
            for statement in body.statements
            for text in statement.texts
            for wait in _of_sentence(plain(text), now)
        ]
    return _longest(told)


def may_ask(body: ErrorBody) -> bool:
    """Whether something in a body may be a time to wait, whatever the clock says."""
    for statement in body.statements:
        if not (_FIELDS.isdisjoint(statement.fields) and _FIELDS_MS.isdisjoint(statement.fields)):
            return True
        said = [] if body.page else [plain(text) for text in statement.texts]
        if any(told.search(words) for words in said for told in (_TOLD, _TOLD_IN_CHINESE, _TOLD_AS_DATE)):
            return True
    return False


def _of_fields(fields: Mapping[str, str | int | float], now: datetime | None) -> Iterator[float]:
    for name, value in fields.items():
        if name in _FIELDS or name in _FIELDS_MS:
            wait = _value(str(value), now, unit=0.001 if name in _FIELDS_MS else 1.0)
            if wait is not None:
                yield wait


def _of_sentence(words: str, now: datetime | None) -> Iterator[float]:
    for pattern in (_TOLD, _TOLD_IN_CHINESE):
        for told in islice(pattern.finditer(words), 8):
            wait = _sensible(_duration(told["wait"]))
            if wait is not None:
                yield wait
    for told in islice(_TOLD_AS_DATE.finditer(words), 8):
        wait = _until(_timestamp(told["date"]), now)
        if wait is not None:
            yield wait


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers by name in lower case; a relay's prefix is taken away, its own headers go before."""
    named: dict[str, str] = {}
    relayed: dict[str, str] = {}
    for name, value in islice(headers.items(), _MOST_HEADERS):
        lower = name.lower()
        if lower.startswith(_PREFIX):
            relayed.setdefault(lower[len(_PREFIX) :], value[:_LONGEST_VALUE].strip())
        else:
            named.setdefault(lower, value[:_LONGEST_VALUE].strip())
    for name, value in relayed.items():
        if name not in named:
            named[name] = value
        elif name in _ASKS or name in _ASKS_MS:
            named[name] = max(named[name], value, key=lambda told: _value(told, None) or 0.0)
    return named


def _value(
    value: str, now: datetime | None, unit: float = 1.0, longest: float = LONGEST_WAIT
) -> float | None:
    """Return the seconds that a value stands for: a number, a duration, a time since 1970, a date."""
    value = value.strip()[:_LONGEST_VALUE]
    if _NUMBER.fullmatch(value):
        number = float(value)
        if number >= _EPOCH:
            since = number / 1000 if number >= _EPOCH_MS else number
            return None if now is None else _sensible(since - now.timestamp(), longest)
        return _sensible(number * unit, longest)
    lower = value.lower()
    if _DURATION.fullmatch(lower):
        return _sensible(_duration(lower), longest)
    return _until(_timestamp(lower) or _http_date(value), now, longest)


def _duration(text: str) -> float:
    return sum(float(number) * _SECONDS[unit] for number, unit in _PIECES.findall(text))


def _timestamp(text: str) -> datetime | None:
    """Return the time of an RFC 3339 timestamp, or of one as people write it, where it has its zone."""
    told = _DATE.fullmatch(text)
    if told is None:
        return None
    zone = "+00:00" if told[3] in ("z", "utc") else told[3]
    try:
        return datetime.fromisoformat(f"{told[1]}T{told[2]}{zone}")
    except ValueError:
        return None


def _http_date(value: str) -> datetime | None:
    if not value or len(value) > 64:
        return None
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _until(then: datetime | None, now: datetime | None, longest: float = LONGEST_WAIT) -> float | None:
    if then is None or now is None:
        return None
    try:
        wait: timedelta = then - (now if now.tzinfo else now.replace(tzinfo=UTC))
    except OverflowError:
        return None
    return _sensible(wait.total_seconds(), longest)


def _is_zero(value: str) -> bool:
    return bool(_NUMBER.fullmatch(value)) and float(value) == 0


def _sensible(seconds: float, longest: float = LONGEST_WAIT) -> float | None:
    return seconds if 0 < seconds <= longest else None


def _longest(waits: Iterable[float]) -> float | None:
    return max(waits, default=None)
