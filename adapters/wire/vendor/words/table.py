"""What a row of the words of vendors is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from adapters.contract.errors import (
    AdapterError,
    AuthenticationFailed,
    ContentRefused,
    ContextTooLong,
    InvalidRequest,
    ModelNotFound,
    QuotaExhausted,
    Scope,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

SCOPES: Final[Mapping[type[AdapterError], Scope]] = {
    InvalidRequest: Scope.REQUEST,
    ContextTooLong: Scope.REQUEST,
    ContentRefused: Scope.REQUEST,
    ModelNotFound: Scope.MODEL,
    AuthenticationFailed: Scope.ACCOUNT,
    QuotaExhausted: Scope.ACCOUNT,
}
"""Whom an error of a class speaks about, where its row says nothing else; others: the class's own default."""


class Words(NamedTuple):
    """Codes or phrases of one vendor.

    Attributes:
        vendor: Whose words these are.
        source: Where they are documented or reported: documentation, source, or a public thread.
        words: The codes or phrases, in lower case.
    """

    vendor: str
    source: str
    words: tuple[str, ...]


class Section(NamedTuple):
    """Words that mean one thing.

    Attributes:
        kind: The class of the error.
        rows: The words, vendor by vendor.
        scope: Whom they speak about, where that is not what `SCOPES` says.
        ambiguous: Whether it cannot be told from one request whether the next one would fare alike.
        statuses: The HTTP statuses at which these words count; empty for all.
    """

    kind: type[AdapterError]
    rows: tuple[Words, ...]
    scope: Scope | None = None
    ambiguous: bool = False
    statuses: frozenset[int | None] = frozenset()


def listed(words: str) -> tuple[str, ...]:
    """Return words that are written in one text, with `|` between them."""
    return tuple(word.strip() for word in words.split("|"))


FAILING: Final[frozenset[int | None]] = frozenset({None, 200, 201, 408, 424, 429, 498, *range(500, 600)})
"""The statuses at which words of overload are the service's own, and not a remark about the request."""
