"""The contract of an adapter as runnable checks, for the authors of further ones.

    import pytest
    from adapters.conformance import check_adapter

    @pytest.mark.anyio
    async def test_my_adapter_keeps_the_contract():
        await check_adapter(lambda: MyAdapter("http://127.0.0.1:8000"))

Run it on both backends, asyncio and trio. The checks make about 25 small requests of the service, most of
them cancelled in the middle, so point them at a server of your own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from adapters.conformance.harness import Factory, Harness, told
from adapters.conformance.report import Check, ConformanceError, ConformanceReport
from adapters.conformance.rules import FAILING, FIRST, RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from adapters.conformance.rules import Rule

__all__ = ["Check", "ConformanceError", "ConformanceReport", "Factory", "check_adapter"]


async def check_adapter(
    factory: Factory,
    *,
    prompt: str = "Say hello in one short sentence.",
    leftovers: Callable[[], Collection[object]] | None = None,
    failing: Factory | None = None,
    seconds: float = 60.0,
    closing: float = 5.0,
) -> ConformanceReport:
    """Check an adapter against the whole contract.

    Args:
        factory: Returns a fresh adapter connected to a working service, or an async context manager that
            yields one (and closes it).
        prompt: What to ask. The reply should have several deltas.
        leftovers: Returns what should not stay behind after a reply, a close and a cancellation: open
            connections, conversations at the service. Must be empty `closing` seconds after each.
        failing: As `factory`, connected to a service that fails.
        seconds: How long one check may take.
        closing: How long closing a stream, and leaving a cancelled one, may take: the adapter's bound for its
            clean-up, and a little.

    Returns:
        What was checked; every check has passed.

    Raises:
        ConformanceError: The adapter breaks the contract; the text lists how.
    """
    harness = Harness(factory, failing, prompt, leftovers, seconds, closing)
    rules = RULES if failing is None else (*RULES, FAILING)
    checks: list[Check] = []
    for rule in rules:
        checks.append(await _checked(rule, harness))
        if rule in FIRST and not checks[-1].passed:
            break
    report = ConformanceReport(await _name(harness), tuple(checks), unchecked=len(rules) - len(checks))
    if not report.ok:
        raise ConformanceError(report)
    return report


async def _name(harness: Harness) -> str:
    async with harness.adapter() as adapter:
        return type(adapter).__name__


async def _checked(rule: Rule, harness: Harness) -> Check:
    # In a task of its own: an adapter that leaves a cancel scope open spoils the task that read it.
    name = rule.__name__.replace("_", " ")
    found: list[Check] = []

    async def run() -> None:
        try:
            with anyio.move_on_after(harness.seconds) as scope:
                await rule(harness)
        except Exception as error:  # noqa: BLE001 - whatever it is, the report shows it
            found.append(Check(name, False, told(error)))
        else:
            late = f"not finished after {harness.seconds:g} s"
            found.append(Check(name, False, late) if scope.cancelled_caught else Check(name, True))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
    return found[0]


check_adapter.__module__ = "adapters"
