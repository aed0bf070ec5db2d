"""Phrases of vendors, looked for in the sentence of a service. Pure; linear in the sentence's length."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from adapters.contract.errors import (
    AdapterError,
    ContextTooLong,
    InvalidRequest,
    NotWorking,
    QuotaExhausted,
    RateLimited,
    ServiceFailed,
)
from adapters.wire.vendor.words import FORMS, OVERRIDES, PARSING, PHRASES, Section

if TYPE_CHECKING:
    from collections.abc import Iterable

_ACROSS: Final = 240  # characters that `…` may stand for
_TRIES: Final = 8  # places of a phrase's first part that are tried
_SENTENCE_END: Final = re.compile(r"[.!?。!?](?=\s)")
_QUOTED_BY_FORM: Final = re.compile(
    r"""\W{0,3}["'`].{0,2000}?["'`] (?:is not of type|is not one of|is not valid under|was unexpected)"""
)
_ECHO: Final = re.compile(
    r"(\bgot|\breceived|input_value=|\bprovided|\bvalue:?|\bgiven:?|\bcontent:|\binput:|\bprompt:)"
    r""" ?(["'`])[^"'`]{1,400}\2"""
)
_RATE: Final = (
    "rate limit", "rate_limit", "per minute", "per min", "per_minute", "per second", "/ min", "/min", "(rpm)",
    "(tpm)", "too many requests", "per_day", "requests per day", "concurren",
)  # fmt: skip
"""Words beside "tokens" that speak of a rate, not of the size of a request."""
_SOON: Final = (*_RATE, "retry in", "try again in", "please wait")
"""Words beside "quota" that say that a short while helps."""
_PARSING: Final = frozenset(word for row in PARSING for word in row.words)
_FORMS: Final = (*(word for row in FORMS for word in row.words), *_PARSING)
_FOR_PAGES: Final = frozenset({NotWorking, RateLimited, ServiceFailed, ContextTooLong})
_WRONG_FORM: Final = Section(InvalidRequest, ())


@dataclass(frozen=True, slots=True)
class _Rule:
    """A section, its phrases cut at their gaps, and the length of the shortest first part."""

    section: Section
    phrases: tuple[tuple[str, ...], ...]
    shortest: int


def _rules(sections: Iterable[Section]) -> tuple[_Rule, ...]:
    found = []
    for section in sections:
        phrases = tuple(tuple(word.split(" … ")) for row in section.rows for word in row.words)
        found.append(_Rule(section, phrases, min((len(phrase[0]) for phrase in phrases), default=0)))
    return tuple(found)


_OVERRIDES: Final = _rules(OVERRIDES)
_PHRASES: Final = _rules(PHRASES)


def by_override(words: str, number: int | None, *, page: bool) -> Section | None:
    """Return the section of a phrase that knows better than the code beside it, or None.

    Args:
        words: A sentence, as `plain` returns it.
        number: The status that counts.
        page: Whether the sentence is what a page for people shows.
    """
    found = None if page else _first(_OVERRIDES, words, number)
    return None if found is _WRONG_FORM else found


def by_phrase(words: str, number: int | None, *, page: bool) -> Section | None:
    """Return the section of the first phrase that has one meaning, or None.

    Args:
        words: As of `by_override`.
        number: As of `by_override`.
        page: As of `by_override`.
    """
    rules = [rule for rule in _PHRASES if not page or rule.section.kind in _FOR_PAGES]
    return _first([rule for rule in rules if not _speaks_of_rate(rule.section.kind, words)], words, number)


def by_form(words: str, number: int | None) -> Section | None:
    """Return that the request is wrong, where a sentence without a phrase of a vendor says so.

    Args:
        words: A sentence, as `plain` returns it.
        number: The status that counts, where it does not say something else already.
    """
    form = _form(words)
    return None if form is None or (number != 400 and form[1] in _PARSING) else _WRONG_FORM


def says_used_up(words: str) -> bool:
    """Whether a sentence says that money or an allowance is used up, and not a rate."""
    if _speaks_of_rate(QuotaExhausted, words):
        return False
    rules = (rule for rule in _PHRASES if rule.section.kind is QuotaExhausted)
    return any(_place_of(rule, words, 429) is not None for rule in rules)


def _first(rules: Iterable[_Rule], words: str, number: int | None) -> Section | None:
    """Return the first section that has a phrase in a sentence which no quotation put there."""
    form = _form(words)
    words = _ECHO.sub(lambda echo: echo[1].ljust(len(echo[0])), words)
    for rule in rules:
        place = _place_of(rule, words, number)
        if place is not None:
            return rule.section if form is None or place <= form[0] else _WRONG_FORM
    return None


def _place_of(rule: _Rule, words: str, number: int | None) -> int | None:
    """Return where the first of a section's phrases begins in a sentence, or None."""
    if rule.section.statuses and number not in rule.section.statuses:
        return None
    if len(words) < rule.shortest:
        return None
    near = [phrase for phrase in rule.phrases if phrase[0] in words]  # hundreds are not, at no call each
    places = [place for phrase in near if (place := _place(phrase, words)) is not None]
    return min(places, default=None)


def _place(phrase: tuple[str, ...], words: str) -> int | None:
    """Return where a phrase begins; its parts follow each other within one sentence."""
    first = words.find(phrase[0])
    for _ in range(_TRIES):
        if first < 0 or len(phrase) == 1:
            break
        if _follow(phrase[1:], words, first + len(phrase[0])):
            break
        first = words.find(phrase[0], first + 1)
    else:
        return None
    return None if first < 0 else first


def _follow(parts: tuple[str, ...], words: str, start: int) -> bool:
    for part in parts:
        window = words[start : start + _ACROSS]
        end = _SENTENCE_END.search(window)
        place = window.find(part, 0, end.start() if end else None)
        if place < 0:
            return False
        start += place + len(part)
    return True


def _form(words: str) -> tuple[int, str] | None:
    """Return the place and the words with which a sentence begins to say that a form is wrong."""
    if _QUOTED_BY_FORM.match(words):
        return 0, ""
    places = [(place, form) for form in _FORMS if (place := words.find(form)) >= 0]
    return min(places, default=None)


def _speaks_of_rate(kind: type[AdapterError], words: str) -> bool:
    """Whether words that stand for `kind` mean a rate here: of tokens, or a quota of a short while."""
    if kind is ContextTooLong:
        return any(rate in words for rate in _RATE)
    return kind is QuotaExhausted and any(soon in words for soon in _SOON)
