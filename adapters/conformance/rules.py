"""The rules of the contract, in the order in which they are checked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from adapters.conformance import replies, streams

if TYPE_CHECKING:
    from adapters.conformance.harness import Harness

Rule: TypeAlias = Callable[["Harness"], Awaitable[None]]
RULES: Final[tuple[Rule, ...]] = (
    replies.has_a_name,
    replies.is_a_generator,
    replies.can_be_read,
    streams.holds_no_scope,
    replies.yields_deltas,
    replies.brings_content,
    replies.proves_its_end,
    replies.can_be_encoded,
    replies.keeps_the_request,
    replies.drops_unknown_options,
    streams.closes_early,
    streams.can_be_cancelled,
    streams.keeps_streams_apart,
    streams.changes_tasks,
    replies.probes,
    replies.answers_probes,
    replies.closes_twice,
)
"""For an adapter of a working service."""
FIRST: Final = frozenset({replies.is_a_generator, replies.can_be_read, streams.holds_no_scope})
"""Rules without which the others cannot be checked: what breaks them breaks the tasks that read."""
FAILING: Final[Rule] = replies.fails_properly
"""For an adapter of a service that fails."""
