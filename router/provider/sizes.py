"""How large a request each model of a provider takes: what it says, and what requests showed. Pure.

Three things tell that a request is too large for a model:

    a limit in tokens    of `Capabilities.context_tokens`, else of the service's list of models; and what a
                         refusal said of its limit
    a refusal            a ContextTooLong refused a request that was in no respect larger
    neither              then it is asked

Tokens are estimated: one for four bytes of UTF-8, until the usage that the service reports shows how many
bytes a token of this model has. A text may have fewer tokens than that, so a request is held to be too large
only where the estimate is a quarter over the limit, or a tenth once the rate is known.

A service may refuse a request because it is more than an account may send in a minute
(`ContextTooLong.per_minute`): OpenAI, Groq and Azure count the tokens that the reply may have, too. That is
another limit for another account, so who keeps these sizes keeps one such object for each account, and one
for the models.

What a refusal shows holds for other requests too, for an hour at most, and a success that is as large ends
it: a smaller request is asked. A refusal of a few words shows nothing, since no context is so small. 64
models are remembered; the one that was not asked for the longest time makes room.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.contract import ChatRequest
    from adapters.contract.errors import ContextTooLong

MOST_MODELS: Final = 64
"""Models of a provider whose sizes are remembered."""

REMEMBERED: Final = 3600.0
"""Seconds for which a refusal is held against other requests."""

USUAL_RATE: Final = 4.0
"""Bytes of UTF-8 for a token, before anything was counted; OpenAI says four characters of English
(https://help.openai.com/en/articles/4936856)."""

_RATES: Final = (1.0, 8.0)
_ENOUGH: Final = 2000  # bytes that were counted before a rate is believed
_MUCH: Final = 2_000_000  # bytes after which older counts weigh half
_MARGIN: Final = 1.25  # over the limit, where the rate is not known
_KNOWN_MARGIN: Final = 1.1
_SMALLEST: Final = 64  # tokens: what is less is no context, however it came into a sentence
_LARGEST: Final = 1 << 40
_LEAST: Final = 1000
"""Bytes of text: no model has a context so small, so a refusal of less speaks of something else."""
_LONGEST_NAME: Final = 128


class TooLarge(NamedTuple):
    """Why a request is not asked of a model.

    Attributes:
        reason: In words with numbers.
        limit: The most tokens that the model takes, where that is known.
        estimate: The tokens of the request, estimated.
    """

    reason: str
    limit: int | None
    estimate: int


class Size(NamedTuple):
    """How large a request is, in each respect for which a service may refuse it.

    Attributes:
        text: Bytes of UTF-8 of all messages, tool calls and definitions of tools.
        parts: Images, sounds and files.
        reply: Tokens that it asks for, which some services count too.
    """

    text: int
    parts: int = 0
    reply: int = 0

    @classmethod
    def of(cls, request: ChatRequest) -> Size:
        """Return the size of `request`."""
        options = request.options
        reply = max(options.get("max_tokens", 0), options.get("max_completion_tokens", 0))
        return cls(request.text_bytes, request.traits.parts, reply)

    def covers(self, other: Size) -> bool:
        """Whether it is in every respect as large as `other`."""
        return self.text >= other.text and self.parts >= other.parts and self.reply >= other.reply


@dataclass(slots=True, eq=False, repr=False)
class _Model:
    """What is known of one model.

    Attributes:
        text: Bytes of the requests whose tokens were counted.
        tokens: What the service counted for them.
        refused: The size of the smallest request that was too long.
        stated: The most tokens that it takes, as the refusal says.
        per_minute: Whether that is what an account may send in a minute.
        until: When the refusal is forgotten.
    """

    text: float = 0.0
    tokens: float = 0.0
    refused: Size | None = None
    stated: int | None = None
    per_minute: bool = False
    until: float = -math.inf

    @property
    def is_counted(self) -> bool:
        return self.text >= _ENOUGH

    @property
    def rate(self) -> float:
        """Bytes for a token."""
        low, high = _RATES
        return min(max(self.text / self.tokens, low), high) if self.is_counted else USUAL_RATE

    def count(self, text: int, tokens: int) -> None:
        self.text += text
        self.tokens += tokens
        if self.text > _MUCH:
            self.text /= 2
            self.tokens /= 2

    def forget_refusal(self) -> None:
        self.refused, self.stated, self.until = None, None, -math.inf


class Sizes:
    """What is known of the sizes that the models of a provider take."""

    def __init__(self) -> None:
        self._models: dict[str | None, _Model] = {}
        self.listed: Mapping[str, int] = {}
        """Model -> the most tokens that it takes, as the service's list of models says."""
        self.until = -math.inf
        """When the newest refusal is forgotten. From then on only what is listed or said limits a request;
        where nothing is, `refuses` need not be asked."""

    def __len__(self) -> int:
        return len(self._models)

    # -- what requests show

    def counted(self, model: str | None, request: ChatRequest, tokens: int | None) -> None:
        """Learn how many tokens the service counted for the messages of a request."""
        size = Size.of(request)
        if tokens is None or not 0 < tokens < _LARGEST or size.parts:
            return  # how many tokens an image has is each service's own choice
        known = self._known(model)
        known.count(size.text, tokens)
        if known.stated is not None and tokens > known.stated:
            known.forget_refusal()

    def fitted(self, model: str | None, request: ChatRequest) -> None:
        """Learn that a model took a request; a refusal of one that was no larger is forgotten."""
        known = self._models.get(model)
        if known is not None and known.refused is not None and Size.of(request).covers(known.refused):
            known.forget_refusal()

    def refused(self, model: str | None, request: ChatRequest, error: ContextTooLong, now: float) -> None:
        """Learn that a request was too long for a model."""
        known, size = self._known(model), Size.of(request)
        known.per_minute = error.per_minute
        if error.tokens is not None and 0 < error.tokens < _LARGEST and not (size.parts or error.per_minute):
            known.count(size.text, error.tokens)
        if size.text < _LEAST and not error.per_minute:
            return
        before = known.refused if now < known.until else None
        if before is None or before.covers(size):
            known.refused = size
        if error.limit is not None and _SMALLEST <= error.limit < _LARGEST:
            known.stated = error.limit
        elif now >= known.until:
            known.stated = None
        known.until = self.until = now + REMEMBERED

    # -- questions

    def limit(self, model: str | None, said: int | None, now: float) -> int | None:
        """Return the most tokens that a model takes, as far as anybody said.

        Args:
            model: By the service's name; None for its default.
            said: What its capabilities say, which outweighs the list of models.
            now: On the event loop's clock.
        """
        known = self._models.get(model)
        stated = known.stated if known is not None and now < known.until else None
        listed = self.listed.get(model) if model is not None else None
        return min((n for n in (said or listed, stated) if n is not None), default=None)

    def refuses(
        self, model: str | None, request: ChatRequest, said: int | None, now: float
    ) -> TooLarge | None:
        """Return why a request is too large for a model, or None where nobody knows it to be so.

        Args:
            model: By the service's name; None for its default.
            request: What is asked.
            said: The most tokens, as the capabilities say.
            now: On the event loop's clock.
        """
        known = self._models.get(model)
        limit = self.limit(model, said, now)
        past = known.refused if known is not None and now < known.until else None
        if limit is None and past is None:
            return None
        size, known = Size.of(request), known or _Model()
        estimate = round(size.text / known.rate) + (size.reply if known.per_minute else 0)
        margin = _KNOWN_MARGIN if known.is_counted else _MARGIN
        if limit is not None and estimate > limit * margin:
            most = f"takes at most {limit} tokens" + (" a minute of this account" if known.per_minute else "")
            counted = f"{size.text} bytes of text, {known.rate:.1f} a token"
            if known.per_minute and size.reply:
                counted += f", and {size.reply} for the reply"
            words = f"{most}; the request has about {estimate} ({counted})"
            return TooLarge(words, None if known.per_minute else limit, estimate)
        if past is not None and size.covers(past):
            ago = max(0.0, now - (known.until - REMEMBERED))
            many = f"{past.text} bytes of text"
            if known.per_minute:
                many += f" with {past.reply} tokens for the reply" if past.reply else ""
            words = (
                f"said {ago:.0f} s ago that {many} are too long for it; the request has "
                f"{size.text} (about {estimate} tokens)"
            )
            return TooLarge(words, limit, estimate)
        return None

    def _known(self, model: str | None) -> _Model:
        """Return what is known of a model, made where there is nothing; it becomes the newest."""
        known = self._models.pop(model, None) or _Model()
        if model is not None and len(model) > _LONGEST_NAME:
            return known  # names come from callers; one that long is not kept
        self._models[model] = known
        if len(self._models) > MOST_MODELS:
            del self._models[next(iter(self._models))]
        return known
