"""The probe ladder against every simulated service: what each rung sees of each fault, and what it leaves."""

from __future__ import annotations

import gc
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest

from adapters import (
    AuthenticationFailed,
    BadReply,
    ConnectFailed,
    ConnectionLost,
    ContentRefused,
    ContextTooLong,
    EmptyReply,
    H2o,
    Limits,
    NotWorking,
    Opchatgpts,
    OpenAICompatible,
    OpenAssistant,
    QuotaExhausted,
    RateLimited,
    ReplyTooLarge,
    Scope,
    ScriptedAdapter,
    ServiceFailed,
)
from adapters.answer_probe import PROMPT
from adapters.simulators.h2o import MODELS, H2oSimulator
from adapters.simulators.opchatgpts import OpchatgptsSimulator
from adapters.simulators.open_assistant import OpenAssistantSimulator
from adapters.simulators.openai import OpenAISimulator
from router import CleanUpFailed, Router, RouterError, Timeouts
from router.provider.evidence import told
from tests.chain.services import COOKIE, SERVICES, Service, leftovers
from tests.depth import sampled
from tests.router.recording import HELLO, Recorder
from tests.virtual_time import anyio_backend_with_sockets as anyio_backend  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from adapters import AdapterError, HTTPAdapter
    from router import HealthReport

pytestmark = pytest.mark.anyio

QUICK: Final = Timeouts(probe=2, probe_answer=3)
EXIT_CODES: Final = {"healthy": 0, "degraded": 1, "unhealthy": 2}
"""Of a command that reports the verdict of a chain."""

LATE: Final = "no answer to the probe within 3 s"
WELL: Final = "it answered"

# What a probe for an answer sees of each fault: why the service is down, why it is left alone, or that it is
# well: what strikes behind the first content strikes nobody who leaves at it.
SEEN: Final[dict[str, type[AdapterError] | str]] = {
    "refuse": ConnectFailed,
    "reset": ConnectionLost,
    "close": ConnectionLost,
    "stall": LATE,
    "stall_headers": LATE,
    "401": AuthenticationFailed,
    "403": AuthenticationFailed,
    "404": NotWorking,
    "429": RateLimited,
    "500": ServiceFailed,
    "503": ServiceFailed,
    "html": BadReply,
    "json_error": ServiceFailed,
    "empty": EmptyReply,
    "error_event": ServiceFailed,
    "redirect": BadReply,
    "garbage": BadReply,
    "endless_comments": ReplyTooLarge,
    "413": ContextTooLong,
    "504": ServiceFailed,
    "529": ServiceFailed,
    "billing": QuotaExhausted,
    "no_credit": QuotaExhausted,
    "refused": ContentRefused,
    "too_long": ContextTooLong,
    "limit": QuotaExhausted,
    "refusal": QuotaExhausted,
    "echo": EmptyReply,
    "cancelled": ServiceFailed,
    "timeout_error": ServiceFailed,
}
# Where a service hides it or makes good for it.
ELSE: Final[dict[tuple[str, str], type[AdapterError] | str]] = {
    ("aura", "error_event"): WELL,  # its error is text
    ("open_assistant", "429"): ServiceFailed,  # the site says 500
    ("open_assistant", "json_error"): BadReply,
    ("open_assistant", "close"): WELL,  # the message is read instead of the event stream
    ("open_assistant", "reset"): WELL,
}
FAULTS: Final = [(service, fault) for service in SERVICES for fault in sorted(service.simulate.faults)]  # type: ignore[attr-defined]  # each class has them


def names(value: Any) -> str:
    return value.name if isinstance(value, Service) else str(value)


async def checked(adapter: HTTPAdapter, level: Any, seen: Recorder) -> HealthReport:
    async with Router([adapter], observers=[seen], timeouts=QUICK) as router:
        return await router.check(level)


SAMPLE: Final = sampled(
    FAULTS, 0.3, "faults of probes", lambda case: ELSE.get((case[0].name, case[1]), case[1])
)


@pytest.mark.parametrize(("service", "fault"), SAMPLE, ids=names)
async def test_what_an_answer_shows_of_each_fault(service: Service, fault: str):
    expected = ELSE.get((service.name, fault), SEEN.get(fault, WELL))
    seen = Recorder()
    async with service.simulate(fault=fault) as simulator:
        adapter = service.adapter(simulator, limits=Limits(empty=500))
        report = await checked(adapter, "answer", seen)
        left = leftovers(simulator)
    (entry,) = report.providers
    assert entry.probe is not None

    if isinstance(expected, str):
        state, verdict, reason = (
            ("healthy",) * 2 + (WELL,) if expected == WELL else ("unhealthy",) * 2 + (LATE,)
        )
        assert (state, verdict, reason) == (entry.state, report.verdict, entry.reason)
    elif expected.scope is Scope.REQUEST:  # which says nothing about the service
        assert ("unknown", None) == (entry.state, entry.probe.working)
        assert told(expected()) in entry.probe.reason
    else:
        works = issubclass(expected, RateLimited | QuotaExhausted)
        assert told(expected()) in entry.probe.reason
        assert ("degraded" if works else "unhealthy", None if works else False) == (
            entry.state,
            entry.probe.working,
        )
        # One that asks to be left alone for a time is not asked; without a time it is.
        held = entry.reason.startswith("held back")
        assert (2 if held or not works else 1) == EXIT_CODES[report.verdict]
    evidence = "none" if entry.state == "unknown" else "answer"
    assert ("answer", evidence, "answer") == (report.level, entry.evidence, entry.probe.level)
    assert fault.startswith("delete_") is bool(left)
    told_of = [] if fault == "delete_404" else [service.name] * len(left)  # a 404 says that it is gone
    assert told_of == [event.provider for event in seen.of(CleanUpFailed)]


@pytest.mark.parametrize("service", SERVICES, ids=names)
async def test_reaching_out_sees_nothing_of_a_generation_that_fails(service: Service):
    """And asks for none: that is what the other rung is for."""
    well = ("unknown", "none", 1) if service.name == "chat_anywhere" else ("healthy", "reach", 0)
    if service.name == "openai":  # it lists its models, and the one that is configured is not among them
        well = ("degraded", "reach", 1)
    async with service.running() as (simulator, _):
        for fault in sorted(type(simulator).faults - {"refuse"}):
            simulator.set_fault(fault)
            report = await checked(service.adapter(simulator), "reach", Recorder())
            (entry,) = report.providers

            assert well == (entry.state, entry.evidence, EXIT_CODES[report.verdict])
        assert (0, set()) == (simulator.turns, leftovers(simulator))


@pytest.mark.parametrize("service", SERVICES, ids=names)
async def test_reaching_out_sees_that_nobody_is_there(service: Service):
    async with service.running(fault="refuse") as (_, adapter):
        report = await checked(adapter, "reach", Recorder())
    (entry,) = report.providers

    assert ("unhealthy", "reach", "no connection could be made", 2) == (
        entry.state,
        entry.evidence,
        entry.reason,
        EXIT_CODES[report.verdict],
    )


@pytest.mark.parametrize("there", SERVICES, ids=names)
@pytest.mark.parametrize("expected", SERVICES, ids=names)
async def test_other_software_is_never_taken_for_the_service(there: Service, expected: Service):
    async with there.simulate() as simulator:
        adapter = expected.connect(simulator.url + expected.suffix, **expected.settings)
        async with Router([adapter], observers=[], timeouts=QUICK) as router:
            reached = (await router.check("reach")).providers[0].state
            answered = (await router.check("answer")).providers[0].state

    if there is expected:
        assert "healthy" == answered
    else:
        assert (True, "unhealthy") == (reached in ("unhealthy", "unknown"), answered)


# --- generations


@pytest.mark.parametrize(
    ("generation", "reached"),
    [
        ("G1", "G1/G2"),
        ("G2", "G1/G2"),
        ("G3", "G3/G4"),
        ("G4", "G3/G4"),
        ("G5", "G5"),
    ],
)
async def test_the_generations_of_chat_ui_are_told_apart(generation, reached):
    """Reaching out tells the families, as all that their addresses show; an answer tells which it is."""
    async with (
        H2oSimulator(generation=generation) as simulator,
        Router([H2o(simulator.url)], observers=[]) as router,
    ):
        found = []
        for level in ("reach", "answer"):
            (entry,) = (await router.check(level)).providers
            found.append((entry.generation, entry.models))

        assert [(reached, MODELS), (generation, MODELS)] == found
        assert set() == leftovers(simulator)


@pytest.mark.parametrize("settings", [{}, {"page": "/chat/"}, {"permalinks": False}, {"custom_id": "abc"}])
@pytest.mark.parametrize(
    ("generation", "words"), [("1.x", "1.x"), ("2.x", "2.0.1–2.4.3"), ("3.x", "2.4.4 or later")]
)
@pytest.mark.parametrize("level", ["reach", "answer"])
async def test_the_generations_of_ai_engine_are_told_apart(generation, words, settings, level):
    async with OpchatgptsSimulator(generation=generation, **settings) as simulator:
        adapter = Opchatgpts(simulator.url, page=settings.get("page", "/"))
        async with Router([adapter], observers=[]) as router:
            (entry,) = (await router.check(level)).providers

    assert ("healthy", words) == (entry.state, entry.generation)


# --- who is let in


async def test_a_key_that_is_refused_is_seen_without_a_generation():
    async with OpenAISimulator(api_key="right") as simulator:
        adapter = OpenAICompatible(f"{simulator.url}/v1", api_key="wrong-key", model="m")
        report = await checked(adapter, "reach", Recorder())

        assert 0 == simulator.turns
    (entry,) = report.providers
    # A key may be allowed to chat and not to list models, so requests are still tried.
    assert ("degraded", "key, cookie or session is missing, wrong or expired, HTTP status 401") == (
        entry.state,
        entry.reason,
    )


async def test_a_session_that_is_over_is_seen_without_a_generation():
    async with OpenAssistantSimulator() as simulator:
        adapter = OpenAssistant(simulator.url)
        report = await checked(adapter, "reach", Recorder())

        assert 0 == simulator.turns
    assert "unhealthy" == report.providers[0].state
    assert "nobody is signed in" in report.providers[0].reason


# --- in nobody's way


async def test_reaching_out_takes_no_connection_from_a_request():
    async with OpenAISimulator(delay=1.0) as simulator:
        adapter = OpenAICompatible(f"{simulator.url}/v1", model="m", limits=Limits(connections=1))
        async with Router([adapter], observers=[]) as router, await router.stream(HELLO) as reply:
            reached, answered = await router.check("reach"), await router.check("answer")
            assert reached.providers[0].probe is not None
            assert answered.providers[0].probe is not None
            assert (True, None) == (
                reached.providers[0].probe.working,
                answered.providers[0].probe.working,
            )
            assert "would have to wait" in answered.providers[0].probe.reason
            assert "Hello from a simulator." in await reply.read_text() or reply.verdict == "complete"
        assert 1 == simulator.turns


async def test_a_request_takes_the_one_conversation_of_an_account_from_a_probe():
    async with OpenAssistantSimulator(delay=2.0) as simulator:
        adapter = OpenAssistant(simulator.url, cookies=COOKIE)
        async with (
            Router([adapter, ScriptedAdapter("other")], observers=[]) as router,
            anyio.create_task_group() as tasks,
        ):
            reports: list[HealthReport] = []

            async def check() -> None:
                reports.append(await router.check("answer"))

            tasks.start_soon(check)
            await anyio.sleep(1)
            reply = await router.complete(HELLO)
        assert set() == leftovers(simulator)

    assert ("open_assistant", "complete") == (reply.provider, reply.verdict)
    assert reports[0].providers[0].probe is not None
    assert "a request needed the slot of the probe" == reports[0].providers[0].probe.reason


# --- fit to be published


async def test_no_secret_prompt_or_word_of_a_service_is_in_a_report():
    """Canaries stand in keys, cookies, headers, prompts and error bodies; some services quote them, too."""
    canary = "canary-7f3a"
    for level in ("reach", "answer"):
        for fault in ("401", "500", "json_error", "error_event", "redirect", "html", None):
            async with OpenAISimulator(api_key=f"{canary}-right", fault=fault, text=canary) as simulator:
                adapter = OpenAICompatible(
                    f"{simulator.url}/{canary}/v1",
                    api_key=f"{canary}-right",
                    model="m",
                    headers={"x-extra": f"{canary}-header"},
                    cookies={"session": f"{canary}-cookie"},
                )
                async with Router([adapter], observers=[], timeouts=QUICK) as router:
                    published = [(await router.check(level)).as_dict()]
                    with suppress(RouterError):  # what it says is no matter here
                        await router.complete([{"role": "user", "content": f"{canary} prompt"}])
                    published += [router.health().as_dict(), (await router.check(level)).as_dict()]

                assert canary not in json.dumps(published)
                assert simulator.url not in json.dumps(published)
                assert PROMPT not in json.dumps(published)


# --- many


async def test_a_thousand_providers_are_checked_in_one_run():
    adapters = [ScriptedAdapter(f"p{n}", probe_results=[n % 3 != 0]) for n in range(1000)]
    async with Router(adapters, observers=[]) as router:
        report = await router.check()
        assert (334, 666) == tuple(
            sum(entry.state == state for entry in report.providers) for state in ("unhealthy", "healthy")
        )
        report = await router.check("answer")

        assert report.ok
        assert {(1, 1, frozenset())} == {(a.probes, a.opened, a.leftovers) for a in adapters}
        assert ({}, 16) == (router._check_up.probing._flights, router._check_up.probing._slots.value)  # type: ignore[union-attr]  # it has probed


async def test_fifty_real_ones_are_checked_without_a_leak():
    async with OpenAISimulator() as simulator, H2oSimulator() as other:
        adapters: list[HTTPAdapter] = [
            OpenAICompatible(f"{simulator.url}/v1", name=f"openai{n}", model="simulated") for n in range(30)
        ]
        adapters += [H2o(other.url, name=f"h2o{n}") for n in range(20)]
        async with Router(adapters, observers=[]) as router:
            for level in ("reach", "answer", "reach"):
                assert (await router.check(level)).ok
            assert {None, 1000} >= {a._client._slots.value if a._client._slots else None for a in adapters}
        await simulator.drained()
        await other.drained()
        assert (30, 20, set()) == (simulator.turns, other.turns, leftovers(other))
    gc.collect()  # a generator that nobody closed would warn, and warnings are errors
