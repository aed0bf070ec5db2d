"""The tokens of a message, as its events count them. Pure.

Anthropic counts what was read from its cache and what was written to it apart from `input_tokens`; all three
together are the tokens of the messages (https://platform.claude.com/docs/en/build-with-claude/prompt-caching).
The counts of a later event are totals, and take the place of those before.
"""

from __future__ import annotations

from typing import Any, Final

from adapters.contract import Usage

__all__ = ["UsageCount"]

_INPUT: Final = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
_KEPT: Final = ("cache_creation_input_tokens", "cache_read_input_tokens")
_MOST: Final = 1 << 53


class UsageCount:
    """Collects the counts of one message."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def take(self, usage: Any) -> None:
        """Take the counts of one event; what is no count is left out."""
        if not isinstance(usage, dict):
            return
        for name in (*_INPUT, "output_tokens"):
            self._count(name, usage.get(name))
        details = usage.get("output_tokens_details")
        if isinstance(details, dict):
            self._count("thinking_tokens", details.get("thinking_tokens"))

    def _count(self, name: str, value: Any) -> None:
        if type(value) is int and 0 <= value < _MOST:
            self._counts[name] = value

    @property
    def total(self) -> Usage | None:
        """All counts so far, or None where there are none."""
        counts = self._counts
        given = [counts[name] for name in _INPUT if name in counts]
        prompt = sum(given) if given else None
        reply = counts.get("output_tokens")
        both = prompt + reply if prompt is not None and reply is not None else None
        usage = Usage(
            prompt, reply, both, counts.get("cache_read_input_tokens"), counts.get("thinking_tokens")
        )
        return None if usage == Usage() else usage

    @property
    def extra(self) -> dict[str, int]:
        """The counts of the cache under Anthropic's own names, where it was used."""
        return {name: self._counts[name] for name in _KEPT if self._counts.get(name)}
