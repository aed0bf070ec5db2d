"""What an error of an OpenAI-compatible service means, and whom it speaks about. Pure.

The decisive word stands in `code`, in `type`, in the sentence, in the answer that a relay wraps, or
nowhere. So a body is taken apart and asked in the order of how much each part can be trusted:

1. phrases that know better than the code beside them ("request too large for … tokens per minute"),
2. codes that have one meaning, the innermost first,
3. phrases that have one meaning; not behind words that say that the form of the request is wrong, because
   there the service quotes what the user sent; then codes that say little beside a telling sentence,
4. the number: the body's own, else the HTTP status, if it has one meaning,
5. a code that only says whose fault it is (`invalid_request_error`, `server_error`),
6. the rest of the numbers; without any, the service failed.

A judgement names whom it speaks about: the *request*, the *model*, the *account*, the *provider*, or
nobody in particular (None: what the class of the error says). Where that cannot be told from one request,
as with a bare page of status 403 or a 404 without words, it is `ambiguous` and of the request.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from adapters.contract.errors import (
    AdapterError,
    AuthenticationFailed,
    InvalidRequest,
    ModelNotFound,
    NotWorking,
    QuotaExhausted,
    RateLimited,
    Scope,
    ServiceFailed,
)
from adapters.wire.vendor.phrases import by_form, by_override, by_phrase, says_used_up
from adapters.wire.vendor.retry_after import may_ask, wait_of_body
from adapters.wire.vendor.statements import ErrorBody, Statement, plain, read_body
from adapters.wire.vendor.words import BLAME, CODES, SCOPES, Section

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

__all__ = ["Judgement", "Scope", "classify"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an error body means.

    Attributes:
        kind: The class of the error to raise.
        scope: Whom it speaks about; None where the class of the error decides.
        ambiguous: Whether it cannot be told from this one answer whom it speaks about; it is then said to be
            of the request.
        message: The service's own sentence that decided, or the innermost one. Text of a peer: mask, cut it.
        labels: The code and the type beside it, as they were sent. Text of a peer as well.
        retry_after: Seconds that the body asks us to stay away, where it does and where that is of use.
    """

    kind: type[AdapterError]
    scope: Scope | None = None
    ambiguous: bool = False
    message: str = ""
    labels: tuple[str, ...] = ()
    retry_after: float | None = None


_SHORT: Final = 512  # bytes of a body
_KEPT: Final = 8  # bodies; few and short, since a service may quote what it was sent
_AWAY: Final = re.compile(r"[_\-.\s]")
_NAMES_MODEL: Final = re.compile(
    r"(?<![-/\w])models?\b(?![-/])|模型"
    r"|(?:limit reached|limit exceeded|quota exceeded|too large|overloaded|rate.limited) for "
    r"[\w./:`'\"-]{0,80}[0-9]"
    r"|^[\w.-]{1,60}/[\w.:-]{1,80} is "
)
_DECISIVE: Final[Mapping[int, type[AdapterError]]] = {
    **dict.fromkeys((401, 403, 407), AuthenticationFailed),
    402: QuotaExhausted,
    **dict.fromkeys((404, 405, 410, 451), NotWorking),
    **dict.fromkeys((408, 409, 425), ServiceFailed),
    429: RateLimited,
    501: InvalidRequest,
}
_SILENT: Final = frozenset({403, 404, 405, 410, 451})  # without words they do not say whom they speak about
_OF_FIREWALLS: Final = frozenset({"unauthorized", "forbidden", "access denied", "access forbidden"})
_ACCESS: Final = (
    "api key", "api-key", "apikey", "permission", "credential", "token", "subscription", "account",
    "authoriz", "authentic",
)  # fmt: skip
"""Words of a 403 that speak of who may ask, not of what is asked."""
_TEMPORARY: Final = frozenset({RateLimited, ServiceFailed, QuotaExhausted})


def _key(code: str) -> str:
    return _AWAY.sub("", code.lower())


def _codes(sections: Iterable[Section]) -> dict[str, Section]:
    found: dict[str, Section] = {}
    for section in sections:
        for row in section.rows:
            for word in row.words:
                found.setdefault(_key(word), section)
    return found


_CODES: Final = _codes(CODES)
_BLAME: Final = _codes(BLAME)


def classify(error: object, status: int | None = None, *, now: datetime | None = None) -> Judgement:
    """Return what an error body means. It never raises, whatever `error` is.

    Args:
        error: The body, decoded or not, or a part of it: an object, a list, text, bytes.
        status: The HTTP status of the answer; None for an error inside of a stream.
        now: The time of the wall clock, against which a date in the body is measured; without it dates are
            not read.
    """
    short = isinstance(error, bytes) and len(error) <= _SHORT
    body, judged, may_wait = _again(error, status) if short else _judged(error, status)
    wait = wait_of_body(body, now) if may_wait else None
    return judged if wait is None else replace(judged, retry_after=wait)


def _judged(error: object, status: int | None) -> tuple[ErrorBody, Judgement, bool]:
    """Return a body taken apart, what it means but for the wait that it asks for, and whether it may ask."""
    body = read_body(error)
    number = _number(body, status)
    section, evidence, text = _decided(body, number)
    ambiguous, scope = False, None
    if section is not None:
        kind, scope, ambiguous = section.kind, section.scope, section.ambiguous
    else:
        kind, ambiguous = _by_number(body, number)
    if kind is AuthenticationFailed and number == 403 and evidence and _is_silent(evidence, text):
        ambiguous = True
    if ambiguous:
        scope = Scope.REQUEST
    elif scope is None:
        scope = SCOPES.get(kind) or _model_scope(kind, body)
    message, labels = _shown(body, evidence, text)
    judged = Judgement(kind, scope, ambiguous, message, labels)
    return body, judged, kind in _TEMPORARY and may_ask(body)


_again: Final = lru_cache(maxsize=_KEPT)(_judged)
"""A service that fails mostly says the same each time: of short bodies, what the last ones mean is kept."""


def _number(body: ErrorBody, status: int | None) -> int | None:
    """Return the number that counts: the body's own, where it names one, else the status."""
    if status in (401, 402, 407):
        return status
    return body.number or status


def _decided(body: ErrorBody, number: int | None) -> tuple[Section | None, Statement | None, str]:
    """Return the section whose words decide, the statement that has them, and the sentence."""
    said = [(statement, text, plain(text)) for statement in body.statements for text in statement.texts]
    general: tuple[Section, Statement, str] | None = None  # a code that says little beside a telling sentence
    for statement, text, words in said:
        section = by_override(words, number, page=body.page)
        if section is not None:
            return section, statement, text
    for statement in body.statements:
        for code in statement.codes:
            section = _CODES.get(_key(code.rpartition("#")[2]))
            if section is None:
                continue
            if section.kind in (InvalidRequest, ServiceFailed):
                general = general or (section, statement, "")
            elif section.kind is not RateLimited or not any(says_used_up(words) for _, _, words in said):
                return section, statement, ""
    for statement, text, words in said:
        section = by_phrase(words, number, page=body.page)
        if section is None and number not in _DECISIVE:
            section = by_form(words, number)
        if section is not None:
            return section, statement, text
    return general or (None, None, "")


def _by_number(body: ErrorBody, number: int | None) -> tuple[type[AdapterError], bool]:
    """Return the class that the number, or a code of blame, stands for; and whether it is ambiguous."""
    texts = [plain(text) for statement in body.statements for text in statement.texts]
    blamed = _blamed(body, number)
    if number == 404 and not body.page and any(_is_of_model(text) for text in texts):
        return ModelNotFound, False
    if number == 403 and body.page:
        return NotWorking, True
    if (
        number == 403
        and blamed is InvalidRequest
        and not (_speaks_of_access(texts) or _OF_FIREWALLS.issuperset(texts))
    ):
        return blamed, False
    if number is not None and number in _DECISIVE:
        silent = number in _SILENT and not (blamed is AuthenticationFailed or _speaks_of_access(texts))
        return _DECISIVE[number], silent
    if blamed is not None:
        return blamed, False
    return (InvalidRequest if number is not None and 400 <= number <= 499 else ServiceFailed), False


def _is_of_model(text: str) -> bool:
    return text.startswith("model:") or bool(_NAMES_MODEL.search(text))


def _speaks_of_access(texts: Iterable[str]) -> bool:
    return any(word in text for text in texts for word in _ACCESS)


def _is_silent(statement: Statement, text: str) -> bool:
    """Whether what decided, a sentence or else a code, is a word that a firewall says as well."""
    return any(plain(word) in _OF_FIREWALLS for word in ([text] if text else statement.codes))


def _blamed(body: ErrorBody, number: int | None) -> type[AdapterError] | None:
    for statement in body.statements:
        for code in statement.codes:
            section = _BLAME.get(_key(code.rpartition("#")[2]))
            if section is not None and not (section.statuses and number not in section.statuses):
                return section.kind
    return None


def _model_scope(kind: type[AdapterError], body: ErrorBody) -> Scope | None:
    """Return `model` where a failure's words name one, or speak of "this model"."""
    if kind not in (RateLimited, ServiceFailed):
        return None
    if any("model" in statement.fields for statement in body.statements):
        return Scope.MODEL
    texts = (plain(text) for statement in body.statements for text in statement.texts)
    return Scope.MODEL if not body.page and any(_NAMES_MODEL.search(text) for text in texts) else None


def _shown(body: ErrorBody, evidence: Statement | None, text: str) -> tuple[str, tuple[str, ...]]:
    """Return the sentence and the labels to show: of the statement that decided, else of the innermost."""
    speaking = [statement for statement in body.statements if statement.texts]
    main = evidence or next(iter(speaking or body.statements), Statement())
    if not main.texts and speaking:
        text = text or speaking[0].texts[0]
    message = text or next(iter(main.texts), "")
    labels = [main.fields.get(name) for name in ("code", "type")]
    shown = [_label(label) for label in labels if label is not None]
    if not any(shown) and main.codes:
        shown = list(main.codes[:1])
    if not any(shown):
        shown = [code for statement in body.statements for code in statement.codes][:2]
    return message, tuple(label for label in dict.fromkeys(shown) if label and label != "error")


def _label(value: str | float) -> str:
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else value
    if isinstance(text, str):
        return text[:120]
    return str(text) if isinstance(text, int) and abs(text) < 1 << 63 else ""
