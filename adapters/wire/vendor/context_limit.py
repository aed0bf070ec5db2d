"""What a service says of its context when it refuses a request as too long: the limit, and what it counted.

The sentences are those of the bodies in `tests/adapters/wire/vendor/vendor_bodies.jsonl`, each with its
source there. Pure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from adapters.wire.vendor.statements import read_body

if TYPE_CHECKING:
    from collections.abc import Iterable

_NUMBER: Final = r"\(?([0-9][0-9,]{0,14})\b"


def _one_of(phrases: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern that finds the first of the phrases; `#` stands for a number."""
    return re.compile("|".join(phrase.replace("#", _NUMBER) for phrase in phrases), re.IGNORECASE)


_LIMIT: Final = _one_of((
    r"context length(?: is| of)?(?: only)?:? #",
    r"context limit: [0-9]+ \+ [0-9]+ > #",
    r"tokens > # maximum",
    r"maximum number of tokens allowed #",
    r"only supports up to #",
    r"large for model with # maximum",
    r"tokens? [^.:]{0,40}cannot exceed #",
    r"maximum prompt length (?:is )?#",
    r"token limit: #",
    r"max_new_tokens`? must be <= #",
    r"must have less than # tokens",
    r"exceeds? the (?:configured )?limit of #",
    r"while limit is #",
    r"max size: # tokens",
    r"maximum model length of #",
    r"(?:available context size|context window limit|context window) (?:of )?#",
    r"n_ctx: #",
    r"prompt tokens [a-z ]{0,30}limited to #",
    r"(?:max_prompt_tokens|max_seq_len) #",
    r"tokens, model limit #",
    r"\(prompt \+ max_tokens\) must not exceed #",
    r"exceeds limit #",
    r"per min[a-z]*(?: \([a-z ]+\))?: limit:? #",
))  # fmt: skip
_COUNTED: Final = _one_of((
    r"# (?:in the messages|in your prompt|of text input)",
    r"resulted in # tokens",
    r"prompt is too long: # tokens",
    r"input token count (?:is )?#",
    r"(?:prompt|request) contains # tokens",
    r"prompt token count of #",
    r"given: # `?inputs",
    r"given: #$",
    r"request # tokens",
    r"(?:has|passed) # input tokens",
    r"the input # tokens",
    r"# tokens from the input",
    r"prompt \((?:total )?length #",
    r"(?:number of input|prompt) tokens #",
    r"length of prompt_tokens #",
    r"n_keep: #",
    r"per min[a-z]*(?: \([a-z ]+\))?: limit:? [0-9,]+, (?:used [0-9,]+, )?requested:? #",
))  # fmt: skip


_PER_MINUTE: Final = re.compile(r"tokens per min|\(tpm\)", re.IGNORECASE)


class ContextSizes(NamedTuple):
    """Numbers of a refusal, in tokens.

    Attributes:
        limit: The most that the service takes, or None where it does not say.
        counted: What it counted for the messages, or None where it does not say.
        per_minute: Whether the limit is what an account may send in a minute.
    """

    limit: int | None = None
    counted: int | None = None
    per_minute: bool = False


def context_sizes(error: object) -> ContextSizes:
    """Return what the body of a refusal says of sizes. It never raises, whatever `error` is."""
    limit = counted = None
    per_minute = False
    for statement in read_body(error).statements:
        limit = limit or _whole(statement.fields.get("nctx"))
        counted = counted or _whole(statement.fields.get("nprompttokens"))
        for text in statement.texts:
            limit = limit or _found(_LIMIT, text)
            counted = counted or _found(_COUNTED, text)
            per_minute = per_minute or _PER_MINUTE.search(text) is not None
    return ContextSizes(limit, counted, per_minute)


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _found(pattern: re.Pattern[str], text: str) -> int | None:
    found = pattern.search(text)
    if found is None:
        return None
    number = next(group for group in found.groups() if group is not None)
    return int(number.replace(",", "")) or None
