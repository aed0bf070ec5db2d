"""Every fault of every service, with a good provider behind it: what the caller gets."""

from __future__ import annotations

import gc
from typing import Final

import anyio
import pytest

from adapters import Limits, OpenAICompatible
from adapters.simulators.openai import OpenAISimulator
from router import CleanUpFailed, Event, RequestAborted, Router, StreamInterrupted, Timeouts
from tests.chain.services import SERVICES, Service, leftovers
from tests.depth import sampled
from tests.virtual_time import anyio_backend_with_sockets as anyio_backend  # noqa: F401 - a fixture

pytestmark = pytest.mark.anyio

MESSAGES: Final = [{"role": "user", "content": "Hello"}]
BEHIND: Final = "The second one answers."
TIMEOUTS: Final = Timeouts(total=120.0)
INTERRUPTED: Final = {"stall_after", "cut", "cut_clean", "reset_after", "error_after"}
TOLERATED: Final = {"slow", "gzip"}
# What the protocol makes of a fault, where that differs.
UNSEEN: Final = {
    ("chat_anywhere", "cut_clean"): "raw text: the framed end of the body is its only proof",
    ("aura", "error_event"): "the server swallows the error and ends the body as if nothing had happened",
    ("aura", "error_after"): "the same",
}
READ_BACK: Final = ("cut", "cut_clean", "reset_after", "close", "reset", "finished_early")
# Faults that only one service has, or that its protocol repairs.
OWN: Final = {
    **{("h2o", fault): "complete" for fault in ("never_closes", "second_answer")},
    **{("h2o", f"delete_{how}"): "complete" for how in ("404", "500", "reset", "stall")},
    ("anthropic", "overloaded_event"): "interrupted",
    ("anthropic", "refused"): "aborted",
    ("anthropic", "refused_after"): "interrupted",
    ("opchatgpts", "typed_events"): "complete",
    **{("open_assistant", fault): "complete" for fault in READ_BACK},  # the finished message is read
    ("open_assistant", "dies"): "interrupted",
}

NOT_DELETED: Final = {"delete_500", "delete_reset", "delete_stall"}

CASES: Final = [
    pytest.param(service, fault, id=f"{service.name}-{fault}")
    for service in SERVICES
    for fault in sorted(service.simulate.described_faults())  # type: ignore[attr-defined]  # each class has them
]


def expected_outcome(service: Service, fault: str) -> str:
    if (service.name, fault) in OWN:
        return OWN[service.name, fault]
    if fault in TOLERATED or (service.name, fault) in UNSEEN:
        return "complete"
    return "interrupted" if fault in INTERRUPTED else "failed over"


def kind(service: Service, fault: str) -> tuple[str, str]:
    """Return what a sample must have one of: what only one service does, and each outcome of each service."""
    own = (service.name, fault) in OWN or (service.name, fault) in UNSEEN
    return service.name, fault if own else expected_outcome(service, fault)


@pytest.mark.parametrize(
    ("service", "fault"), sampled(CASES, 0.3, "failover", lambda case: kind(*case.values))
)
async def test_a_fault_of_the_first_provider_ends_as_promised(service: Service, fault: str) -> None:
    """Before content the next one answers; after content the reply is interrupted; nothing is mixed."""
    async with service.simulate(fault=fault) as simulator, OpenAISimulator(text=BEHIND) as second:
        adapter = service.adapter(simulator, limits=Limits(empty=1000))
        behind = OpenAICompatible(f"{second.url}/v1", name="second", model="m")
        started = anyio.current_time()
        text = provider = ""
        events: list[Event] = []
        async with Router([adapter, behind], timeouts=TIMEOUTS, observers=[events.append]) as router:
            try:
                async with await router.stream(MESSAGES) as reply:
                    provider = reply.provider
                    async for delta in reply:
                        text += delta.text
                outcome = "complete" if provider == adapter.name else "failed over"
            except RequestAborted:
                outcome = "aborted"
            except StreamInterrupted as error:
                outcome = "interrupted"
                assert error.partial == text  # noqa: PT017 - not every fault raises
        took = anyio.current_time() - started
        await simulator.drained()

        assert expected_outcome(service, fault) == outcome
        assert took <= TIMEOUTS.total + TIMEOUTS.close + 0.25
        if provider == "second":
            assert text == BEHIND
        elif fault != "second_answer":  # there the server itself begins twice
            assert simulator.default_text.startswith(text.rstrip("\n"))
        reported = any(isinstance(event, CleanUpFailed) for event in events)
        assert reported == (fault in NOT_DELETED)
        assert reported or fault == "delete_404" or not leftovers(simulator)
    gc.collect()
