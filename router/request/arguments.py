"""What a caller gives a router, checked, with what to write instead of what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from router.policy.strategy import Priority

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.policy.strategy import Strategy


def strategy_of(strategy: Strategy | None) -> Strategy:
    """Return the strategy given, or that of the order given.

    Raises:
        TypeError: It is none.
    """
    if strategy is None:
        return Priority()
    if isinstance(strategy, type) or not (hasattr(strategy, "order") and hasattr(strategy, "check")):
        got = getattr(strategy, "__name__", type(strategy).__name__)
        raise TypeError(
            f"strategy must be a Strategy, got {got}; write strategy=Priority(), Fastest() or Weighted({{…}})"
        )
    return strategy


def refuse_misplaced(options: Mapping[str, Any]) -> None:
    """Refuse what belongs elsewhere, with what to write instead.

    Raises:
        TypeError: One of the options is no option, but close to another argument.
    """
    if "stream" in options:
        raise TypeError(
            "there is no option 'stream': router.stream(…) streams, "
            "and router.complete(…) returns the whole reply"
        )
    if "timeout" in options:
        raise TypeError(
            "there is no option 'timeout': a request has several clocks; "
            f"write timeouts=Timeouts({total_of(options['timeout'])}) for the whole request"
        )


def total_of(value: object) -> str:
    """Return what to write for a limit of the whole request, after a number that was given for it."""
    return f"total={value!r}" if isinstance(value, int | float) else "total=60"
