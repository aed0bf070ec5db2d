"""The router against a model: random programs of requests, failures, time, isolating, resetting, reports.

The model knows what a provider told it to do: who is held back until when, who is not working until when, who
is isolated. Of the breaker it knows only when one must not be open; whether it is, it reads from the report.
A program runs on both backends, and after each step the router and the model have to agree.
"""

from __future__ import annotations

import json
import math
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import anyio
import anyio.lowlevel
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters import Adapter, AdapterError, AuthenticationFailed, Delta, RateLimited, ServiceFailed
from router import AllProvidersFailed, BreakerPolicy, RetryPolicy, Router
from tests.depth import how_many
from tests.router.recording import HELLO
from tests.virtual_time import BACKENDS, run_virtual

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from adapters import ChatRequest
    from router import ProviderHealth

NAMES: Final = "abc"
CONSECUTIVE: Final = 3
AWAY: Final = 20.0
OPEN_FOR: Final = 15.0
ERRORS: Final[dict[str, AdapterError]] = {
    "sick": ServiceFailed("503"),
    "away": RateLimited("429", retry_after=AWAY),
    "locked": AuthenticationFailed("401"),
}
_run: Final = {"programs": 0, "steps": 0}


class Moody(Adapter):
    """Does at once what it is told to."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.mood = "good"
        self.asked = 0

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        self.asked += 1
        await anyio.lowlevel.checkpoint()
        if self.mood != "good":
            error = ERRORS[self.mood]
            raise type(error)(str(error), retry_after=error.retry_after)
        yield Delta("Hello")
        yield Delta(finish_reason="stop")


@dataclass
class Model:
    """What is known of one provider."""

    working: bool | None = None
    barred: int = 0
    barred_until: float = 0.0
    held_until: float = 0.0
    isolated: bool = False
    in_a_row: int = 0
    permitted: bool = True

    def at(self, now: float, seen: ProviderHealth) -> None:
        """Let time pass, and read from the report what of the breaker is not modelled."""
        if self.working is False and now >= self.barred_until:
            self.working = None
        assert seen.breaker is not None
        self.permitted = seen.breaker.permit_in == 0
        assert seen.breaker.failures_in_a_row == self.in_a_row
        if self.in_a_row < CONSECUTIVE:
            assert self.permitted is not self.isolated, "the breaker opened by itself"

    def would_be_asked(self, now: float) -> bool:
        return self.working is not False and now >= self.held_until and self.permitted

    def heard(self, mood: str, now: float) -> None:
        """Learn from one attempt."""
        match mood:
            case "good":
                self.working, self.barred, self.in_a_row = True, 0, 0
            case "sick":
                self.in_a_row += 1
            case "away":
                self.held_until = max(self.held_until, now + AWAY)
                self.in_a_row += 1
            case "locked":
                self.working = False
                self.barred_until = now + min(60.0 * 2**self.barred, 900.0)
                self.barred += 1

    def states(self, now: float) -> set[str]:
        """Return the states it may be in; which of the last three is for the evidence to say."""
        if self.working is False:
            return {"unhealthy"}
        if now < self.held_until or not self.permitted:
            return {"degraded"}
        return {"healthy", "degraded", "unknown"}


@dataclass
class Bench:
    """A router, its providers, and the model of each."""

    adapters: dict[str, Moody] = field(default_factory=lambda: {name: Moody(name) for name in NAMES})
    models: dict[str, Model] = field(default_factory=lambda: {name: Model() for name in NAMES})

    def router(self) -> Router:
        return Router(
            self.adapters.values(),
            retry=RetryPolicy(attempts=1),
            breaker=BreakerPolicy(consecutive=CONSECUTIVE, ratio=None, open_for=OPEN_FOR),
            observers=[],
            random_source=random.Random(1),
        )

    async def ask(self, router: Router) -> None:
        """Make a request, and compare who was asked and who answered with what the models say."""
        now, answered = anyio.current_time(), None
        before = {name: adapter.asked for name, adapter in self.adapters.items()}
        expected: dict[str, int] = dict.fromkeys(NAMES, 0)
        for name, model in self.models.items():
            if model.would_be_asked(now):
                expected[name] = 1
                model.heard(self.adapters[name].mood, now)
                if self.adapters[name].mood == "good":
                    answered = name
                    break
        try:
            assert (await router.complete(HELLO)).provider == answered
        except AllProvidersFailed as error:
            assert answered is None
            self._comes_back(error, now)
        assert expected == {name: adapter.asked - before[name] for name, adapter in self.adapters.items()}

    def _comes_back(self, error: AllProvidersFailed, now: float) -> None:
        models = [model for model in self.models.values() if not model.isolated]
        held = [model.held_until - now for model in models if now < model.held_until]
        if held:
            assert error.retryable
            assert error.retry_after is not None
            assert 0 < error.retry_after

    def compare(self, router: Router) -> None:
        """Compare the health report with the models; it is JSON, and made without a word to anybody."""
        now, asked = anyio.current_time(), [adapter.asked for adapter in self.adapters.values()]
        report = router.health()
        for seen in report.providers:
            model = self.models[seen.provider]
            model.at(now, seen)
            assert self.adapters[seen.provider].working_at(now) is model.working
            assert seen.state in model.states(now)
            assert seen.can_answer is model.would_be_asked(now)
            if now < model.held_until and model.working is not False:
                assert seen.back_in is not None or model.isolated
                assert (seen.back_in or math.inf) >= model.held_until - now - 1e-6
        assert report.can_answer is any(model.would_be_asked(now) for model in self.models.values())
        assert json.loads(json.dumps(report.as_dict())) == report.as_dict()
        assert asked == [adapter.asked for adapter in self.adapters.values()]


async def run_program(steps: list[tuple[str, Any, Any]]) -> None:
    bench = Bench()
    async with bench.router() as router:
        for kind, first, second in steps:
            match kind:
                case "mood":
                    bench.adapters[first].mood = second
                case "ask":
                    for _ in range(first):
                        await bench.ask(router)
                        bench.compare(router)
                case "wait":
                    await anyio.sleep(first)
                case "isolate":
                    router.isolate(first)
                    bench.models[first].isolated = True
                case "reset":
                    router.reset(first)
                    bench.models[first].isolated = False
                    bench.models[first].in_a_row = 0
            bench.compare(router)


NOTHING: Final = st.just(None)
PROVIDERS: Final = st.sampled_from(NAMES)
STEPS: Final = st.one_of(
    st.tuples(st.just("mood"), PROVIDERS, st.sampled_from(["good", *ERRORS])),
    st.tuples(st.just("mood"), PROVIDERS, st.sampled_from(["good", *ERRORS])),
    st.tuples(st.just("ask"), st.integers(1, 4), NOTHING),
    st.tuples(st.just("wait"), st.sampled_from([0.5, 7.0, 16.0, 21.0, 61.0, 400.0]), NOTHING),
    st.tuples(st.sampled_from(["isolate", "reset"]), PROVIDERS, NOTHING),
)


@settings(max_examples=how_many(150), suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, min_size=12, max_size=60))
def check_programs(steps):
    for backend in BACKENDS:
        run_virtual(run_program, backend, steps)
        _run["programs"] += 1
        _run["steps"] += len(steps)


def test_whatever_happens_the_router_knows_of_its_providers_what_the_model_knows(record_property):
    check_programs()
    record_property(
        "summary", f"router: {_run['programs']} programs with {_run['steps']} steps agree with the model"
    )
