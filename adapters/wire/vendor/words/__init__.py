"""The words of vendors as data: what a code or a phrase stands for, and whom it speaks about.

`CODES` are words that stand alone in a field. A code is among them only if it means one thing wherever
it stands; `invalid_request_error` does not, and is in `BLAME`, which is asked last.

`OVERRIDES` and `PHRASES` are stretches of sentences, in lower case. In a phrase, `…` stands for any
words of the same sentence. They are asked from the top, so their order decides where two phrases stand
in one sentence. `OVERRIDES` are asked before the codes, `PHRASES` after them. `FORMS` begin a sentence
about the form of the request; what stands behind them is quoted, and decides nothing.

Each row names the vendor and where such words are documented or reported: its documentation, its source,
or a public thread. A row also has near variants of what stands there. Words that several vendors use
stand with the first one.
"""

from __future__ import annotations

from typing import Final

from adapters.wire.vendor.words.codes import BLAME, CODES
from adapters.wire.vendor.words.forms import FORMS, PARSING
from adapters.wire.vendor.words.of_the_account import NOT_ALLOWED, USED_UP
from adapters.wire.vendor.words.of_the_request import NOT_SUPPORTED, REFUSED, TOO_LONG
from adapters.wire.vendor.words.of_the_service import BLOCKED, NO_SUCH_MODEL, OVERLOADED, TOO_OFTEN
from adapters.wire.vendor.words.overrides import OVERRIDES
from adapters.wire.vendor.words.table import SCOPES, Section, Words

__all__ = [
    "BLAME",
    "CODES",
    "FORMS",
    "OVERRIDES",
    "PARSING",
    "PHRASES",
    "SCOPES",
    "Section",
    "Words",
]

PHRASES: Final[tuple[Section, ...]] = (
    *REFUSED,
    *TOO_LONG,
    *USED_UP,
    *BLOCKED,
    *NO_SUCH_MODEL,
    *NOT_ALLOWED,
    *TOO_OFTEN,
    *NOT_SUPPORTED,
    *OVERLOADED,
)
