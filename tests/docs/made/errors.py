"""What the page of the errors says: read from the classes, and found by letting the code meet them."""

from __future__ import annotations

import inspect
import itertools
import random
from typing import TYPE_CHECKING, Final, get_args

import router
from adapters import ScriptedAdapter
from adapters.contract import ChatRequest, Outcome, errors
from adapters.contract.errors import AdapterError, Disposition
from adapters.http import error_for_status
from adapters.http.status import AMBIGUOUS
from router.errors import RouterError
from router.events import Verdict
from router.policy.breaker import BreakerPolicy, CircuitBreaker
from router.policy.retry import RetryPolicy
from router.provider.standing import Standing
from tests.docs.made.table import table as in_table

if TYPE_CHECKING:
    from collections.abc import Iterator

CLASSES: Final = tuple(
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, AdapterError) and kind is not AdapterError
)
_FOLLOWS: Final = {
    Disposition.RETRY: "next provider; again in a later round",
    Disposition.FAILOVER: "next provider",
    Disposition.ABORT: "`RequestAborted`: nobody else is asked",
}
_AFTER_CONTENT: Final = (errors.Stalled, errors.Truncated)
_ASKED: Final = 7.0
"""Seconds that a service asks to be left alone, in the second table."""


def _means(kind: type) -> str:
    text = " ".join((inspect.getdoc(kind) or "").partition("\n\n")[0].split())
    return text.removesuffix(" Raised by the router.")


def table() -> str:
    """What each error of a provider means, and what follows in the request that meets it."""
    rows = []
    for kind in CLASSES:
        follows = "the reply is interrupted" if kind in _AFTER_CONTENT else _FOLLOWS[kind.disposition]
        if kind is errors.ConnectionLost:
            follows += "; at once, once, where a kept-alive connection was lost"
        if kind is errors.RateLimited:
            follows += ", and not before its Retry-After"
        scope = "cannot be told" if kind.ambiguous else str(kind.scope)
        rows.append((f"`{kind.__name__}`", _means(kind), follows, scope))
    return in_table(("error of a provider", "means", "what follows", "scope: speaks about"), rows)


def others() -> str:
    """What other requests notice of an error."""
    rows = []
    for kind in CLASSES:
        counted, held, paused = _kept(kind, _ASKED), _held(kind, _ASKED), _held(kind, None)
        adapter = ScriptedAdapter("it")
        adapter.mark(Outcome(0.0, kind("it failed")))
        working = "False" if adapter.working is False else "as it was"
        rows.append((f"`{kind.__name__}`", counted, held, paused, working))
    head = ("error", "counts in the breaker of", f"with Retry-After {_ASKED:g}", "without", "`working`")
    return in_table(head, rows)


def _met(kind: type[AdapterError], retry_after: float | None) -> Standing:
    """A provider where one request for the model `small` met an error."""
    standing = Standing(CircuitBreaker(BreakerPolicy(), random.Random(0)))
    turn = standing.turn(ChatRequest.build([{"role": "user", "content": "Hello"}]), "small", 0.0)
    standing.failed(kind("it failed", retry_after=retry_after), turn, 0.0, RetryPolicy())
    return standing


def _kept(kind: type[AdapterError], retry_after: float) -> str:
    standing = _met(kind, retry_after)
    model = standing.record_of("small")
    counts = {
        "the model": model is not None and model.breaker.snapshot(0.0).failures,
        "the provider": standing.whole.breaker.snapshot(0.0).failures,
    }
    return " and ".join(name for name, failures in counts.items() if failures) or "nobody"


def _held(kind: type[AdapterError], retry_after: float | None) -> str:
    """Who is not asked right after it, and for how long."""
    standing = _met(kind, retry_after)
    waits = {
        name: max((refusal.back_in or 0.0 for refusal in standing.refusals(model, 0.0)), default=0.0)
        for name, model in (("the model", "small"), ("every request", "another"))
    }
    if waits["every request"]:
        return f"every request waits {waits['every request']:g} s"
    return f"the model waits {waits['the model']:g} s" if waits["the model"] else "nobody waits"


def statuses() -> str:
    """What a status means where the body has no better word."""
    found: dict[type[AdapterError], list[int]] = {}
    for status in range(100, 600):
        if status != 200:
            found.setdefault(error_for_status(status), []).append(status)
    rows = [(f"`{kind.__name__}`", _ranges(each)) for kind, each in found.items()]
    unclear = ", ".join(map(str, sorted(AMBIGUOUS)))
    text = in_table(("error", "statuses"), sorted(rows))
    return f"{text}\nAlone, {unclear} do not tell whether they speak about the request or the service.\n"


def _ranges(numbers: list[int]) -> str:
    runs: Iterator[list[int]] = (
        [number for _, number in run]
        for _, run in itertools.groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])
    )
    return ", ".join(f"{run[0]}" if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)


def ends() -> str:
    """What a request itself ends with."""
    kinds = [
        kind
        for name in router.__all__
        if isinstance(kind := getattr(router, name), type)
        and issubclass(kind, RouterError)
        and kind is not RouterError
    ]
    verdicts = ", ".join(f"`{verdict}`" for verdict in get_args(Verdict))
    text = in_table(("error of a request", "means"), [(f"`{kind.__name__}`", _means(kind)) for kind in kinds])
    return f"{text}\nThe verdicts: {verdicts}.\n"
