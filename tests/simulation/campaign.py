"""Plays seeds on both backends, judges each world, and compares the histories request by request."""

from __future__ import annotations

import gc
import sys
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from router import AttemptEnded, AttemptStarted, RequestEnded, WaitStarted
from tests.simulation.laws import broken
from tests.simulation.plan import drawn
from tests.simulation.world import hooked, play, real
from tests.virtual_time import BACKENDS, run_virtual

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.simulation.world import Client, Told, World

DIGITS: Final = 5
_EVERY: Final = 100  # worlds between two full collections, which find what a cycle hides


@dataclass
class Campaign:
    """What many seeds came to.

    Attributes:
        backends: Where each seed is played.
        make: Makes what is put in the router's place, by default the router.
        patience: Real seconds after which a world where nothing is scheduled any more counts as hanging.
        seeds: How many were.
        compared: Histories of requests that were compared between the backends.
        endings: How requests ended, and how often.
        failures: Seed -> what was wrong.
    """

    backends: tuple[str, ...] = BACKENDS
    make: Callable[[World], Client] = real
    patience: float = 0.2
    seeds: int = 0
    compared: int = 0
    endings: dict[str, int] = field(default_factory=dict)
    failures: dict[int, list[str]] = field(default_factory=dict)

    def play(self, seed: int) -> list[str]:
        """Play one seed; return what was wrong."""
        wrong: list[str] = []
        worlds = [self._played(seed, backend, wrong) for backend in self.backends]
        if all(worlds) and len(worlds) > 1:
            wrong += self._differences([world for world in worlds if world is not None])
        self.seeds += 1
        if wrong:
            self.failures[seed] = wrong
        return wrong

    def _played(self, seed: int, backend: str, wrong: list[str]) -> World | None:
        stray: list[str] = []
        previous = hooked(stray)
        world = None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                world = run_virtual(play, backend, drawn(seed), self.make, patience=self.patience)
                if self.seeds % _EVERY == 0:
                    gc.collect()
        except Exception as error:  # noqa: BLE001 - a world that ends so is a finding
            wrong.append(f"{backend}: liveness: the world ended with {error!r}")
        finally:
            sys.unraisablehook = previous
        wrong += [f"{backend}: {text}" for text in stray]
        if world is not None:
            wrong += [f"{backend}: {text}" for text in broken(world)]
            for told in world.told:
                for ending in told.endings:
                    self.endings[ending] = self.endings.get(ending, 0) + 1
        return world

    def _differences(self, worlds: list[World]) -> Iterable[str]:
        for pair in zip(*(world.told for world in worlds), strict=True):
            if not _is_determined(worlds[0], pair[0]):
                continue
            self.compared += 1
            first, second = (history(told) for told in pair)
            if first != second:
                both = zip([*first, "nothing"], [*second, "nothing"], strict=False)
                at = next((a, b) for a, b in both if a != b)
                yield f"R46: request {pair[0].plan.number} differs between the backends: {at[0]} | {at[1]}"


def _is_determined(world: World, told: Told) -> bool:
    """Whether the event loop has no choice: no two things that matter happen at one instant.

    Requests that wait for one provider wake together, and of two that are cancelled together one is first.
    """
    plan = world.plan
    struck = plan.close_at or told.plan.cancel_after or told.plan.close_after
    return not (plan.policy.wait_for_held and len(plan.requests) > 1) and not (plan.policy.hedge and struck)


def history(told: Told) -> list[Any]:
    """Return all that happened to a request as plain values."""
    plain: list[Any] = [(told.request_id, told.verdict, tuple(told.endings), str(told.error))]
    plain += [(segment.provider, segment.kind, segment.text) for segment in told.segments]
    for at, event in told.events:
        plain.append((round(at, DIGITS), type(event).__name__, *_values(event)))
    return plain


def _values(event: Any) -> tuple[Any, ...]:
    match event:
        case AttemptEnded():
            a = event.attempt
            times = (round(a.started, DIGITS), round(a.seconds, DIGITS))
            return (a.provider, a.number, a.round, a.phase, a.outcome, repr(a.error), a.reason, *times)
        case AttemptStarted():
            return (event.provider, event.number, event.round, round(event.limit, DIGITS))
        case WaitStarted():
            return (event.round, round(event.seconds, DIGITS))
        case RequestEnded():
            counts = (event.deltas, event.characters, round(event.seconds, DIGITS))
            return (event.verdict, event.provider, event.model, *counts)
    return ()
