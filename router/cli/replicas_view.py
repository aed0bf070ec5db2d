"""`chat-router health --replicas`: what each replica believes of each provider, and where they differ."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from router.cli.exits import CANNOT, FAILED, OK
from router.cli.mistakes import Mistake
from router.cli.output import printable, say
from router.replicas.beliefs import StoreUnavailable, differences, read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.config import Config
    from router.replicas.beliefs import Belief


def show(config: Config) -> int:
    """Write what the replicas of a file believe; return 0: they agree, 1: they differ, 2: nothing is known.

    Raises:
        Mistake: The file names no store.
    """
    if config.replicas is None:
        raise Mistake(
            f'{config.file} names no store; add a table: [replicas] url = {{ env = "NAME" }}, namespace = "…"'
        )
    try:
        beliefs = read(config.replicas)
    except StoreUnavailable as error:
        say(f"chat-router: the store cannot be read ({error}); each replica decides alone meanwhile")
        return CANNOT
    if not beliefs:
        say(f"chat-router: no replica of the namespace {config.replicas.namespace!r} was seen lately")
        return CANNOT
    sys.stdout.write(as_text(beliefs))
    return FAILED if differences(beliefs) else OK


def as_text(beliefs: Sequence[Belief]) -> str:
    """Return the beliefs as aligned lines, those that differ marked, and a summary."""
    odd = differences(beliefs)
    rows = [("provider", "replica", "believes")]
    for name in dict.fromkeys(each.provider for each in beliefs):
        for each in (each for each in beliefs if each.provider == name):
            mark = "  <- differs" if each.replica in odd.get(name, ()) else ""
            rows.append((printable(name), each.replica, each.words + mark))
    widths = [max(len(row[place]) for row in rows) for place in (0, 1)]
    lines = [f"{name:<{widths[0]}}  {replica:<{widths[1]}}  {words}" for name, replica, words in rows]
    count = len({each.replica for each in beliefs})
    about = f"they differ about {', '.join(map(printable, odd))}" if odd else "they agree"
    return "\n".join([*lines, f"{count} replica{'s' * (count > 1)}: {about}"]) + "\n"
