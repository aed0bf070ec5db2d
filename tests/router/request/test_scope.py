"""Whose failure is it: one user's request takes no provider from anybody else."""

from __future__ import annotations

import anyio
import httpx
import pytest

from adapters import (
    AuthenticationFailed,
    BadReply,
    ConnectFailed,
    ConnectionLost,
    ContentRefused,
    ContextTooLong,
    Delta,
    EmptyReply,
    FirstContentTimeout,
    InvalidRequest,
    ModelNotFound,
    NotWorking,
    OpenAICompatible,
    ProbeResult,
    QuotaExhausted,
    RateLimited,
    ScriptedAdapter,
    ServiceFailed,
    Stalled,
)
from adapters.contract.errors import AdapterError, Disposition, Scope
from adapters.scripted import Forever, Step, Unfinished
from adapters.simulators.openai import OpenAISimulator
from router import (
    AllProvidersFailed,
    BreakerPolicy,
    Fastest,
    HedgePolicy,
    RetryBudget,
    RetryPolicy,
    Router,
    StreamInterrupted,
    Timeouts,
)
from tests.adapters.bodies import Wire
from tests.router.recording import HELLO, router_of
from tests.virtual_time import anyio_backend  # noqa: F401 - a fixture

pytestmark = pytest.mark.anyio
ONCE = RetryPolicy(attempts=1)
LATE: list[Step] = [5.0, "late"]


def asking(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


async def fail(router: Router, messages=HELLO, model: str | None = None, **settings) -> AllProvidersFailed:
    with pytest.raises(AllProvidersFailed) as caught:
        await router.complete(messages, model, **settings)
    return caught.value


# --- the request


@pytest.mark.parametrize(
    "error",
    [
        InvalidRequest("no", status=413, retry_after=500),
        ContextTooLong("too long", status=500),
        RateLimited("request too large", retry_after=500, scope=Scope.REQUEST),
        ServiceFailed("for this prompt", scope=Scope.REQUEST),
        NotWorking("for this prompt", scope=Scope.REQUEST),
        AuthenticationFailed("by policy", status=403, scope=Scope.REQUEST),
    ],
    ids=repr,
)
async def test_a_failure_of_the_request_is_never_remembered_nor_counted(error):
    first = ScriptedAdapter.each("first", [*[[error]] * 20, ["fine"]])
    async with router_of(first, retry=ONCE) as router:
        for _ in range(20):
            await fail(router)
        entry = router.health().providers[0]
        assert (entry.state, entry.can_answer, entry.last_error) == ("unknown", True, None)
        assert (await router.complete(asking("another"))).text == "fine"


@pytest.mark.parametrize("kind", [ServiceFailed, RateLimited, ConnectFailed])
async def test_a_failure_narrowed_to_the_request_is_not_asked_again_at_the_same_provider(kind):
    policy = RetryPolicy()

    assert policy.disposition(kind()) is Disposition.RETRY
    assert policy.disposition(kind(scope=Scope.REQUEST)) is Disposition.FAILOVER
    own = RetryPolicy(dispositions={kind: Disposition.RETRY})
    assert own.disposition(kind(scope=Scope.REQUEST)) is Disposition.RETRY


async def test_a_short_limit_of_a_caller_proves_nothing():
    first = ScriptedAdapter.each("first", [*[LATE] * 7, ["fine"]])
    async with router_of(first, retry=ONCE) as router:
        for _ in range(7):
            error = await fail(router, timeouts=Timeouts(first_content=0.1))
            assert isinstance(error.causes[0], FirstContentTimeout)
            assert error.causes[0].scope is Scope.REQUEST
        assert (await router.complete(HELLO)).text == "fine"


async def test_a_short_total_of_a_caller_proves_nothing():
    first = ScriptedAdapter.each("first", [*[LATE] * 7, ["fine"]])
    async with router_of(first, retry=ONCE) as router:
        for _ in range(7):
            await fail(router, timeouts=Timeouts(total=0.6))
        assert (await router.complete(HELLO)).text == "fine"


async def test_a_short_stall_or_total_of_a_caller_proves_nothing_about_a_reply_that_it_cut():
    for timeouts in (Timeouts(stall=0.1), Timeouts(total=1.0), Timeouts(drip_rate=1000, drip_window=1)):
        first = ScriptedAdapter("first", ["Hel", 3.0, "lo"])
        async with router_of(first, retry=ONCE) as router:
            with pytest.raises(StreamInterrupted) as caught:
                await router.complete(HELLO, timeouts=timeouts)
            assert isinstance(caught.value.__cause__, Stalled)
            assert caught.value.__cause__.scope is Scope.REQUEST
            assert router.health().providers[0].last_error is None


@pytest.mark.parametrize("timeouts", [Timeouts(first_content=2), Timeouts(total=2, reserve=0.5)])
async def test_the_router_s_own_limit_proves_something(timeouts):
    first = ScriptedAdapter("first", [Forever])
    async with router_of(first, retry=ONCE, timeouts=timeouts) as router:
        for _ in range(5):
            await fail(router)
        assert router.health().providers[0].breaker.state == "open"


async def test_a_short_limit_makes_no_slow_provider_look_fast():
    slow, quick = ScriptedAdapter("slow", [5.0, "slow"]), ScriptedAdapter("quick", [1.0, "quick"])
    async with router_of(slow, quick, retry=ONCE, strategy=Fastest(explore=0)) as router:
        for name in ("slow", "quick"):
            await router.complete(HELLO, providers=[name])
        for _ in range(20):
            await fail(router, providers=["slow"], timeouts=Timeouts(first_content=0.1))
        assert (await router.complete(HELLO)).provider == "quick"
        assert router._providers["slow"].pace.first_content == 5.0


@pytest.mark.parametrize(
    ("script", "options"),
    [
        ([Delta(finish_reason="length")], {}),
        ([Delta(finish_reason="stop")], {"max_tokens": 1}),
        ([Delta(finish_reason="stop")], {"stop": "a"}),
        ([Unfinished], {"max_tokens": 1}),
    ],
)
async def test_a_reply_for_which_the_caller_left_no_room_counts_against_nobody(script, options):
    first = ScriptedAdapter.each("first", [*[script] * 7, ["fine"]])
    async with router_of(first, retry=ONCE) as router:
        for _ in range(7):
            error = await fail(router, **options)
            assert isinstance(error.causes[0], EmptyReply)
        assert (await router.complete(HELLO)).text == "fine"


async def test_a_model_that_cannot_be_sent_is_refused_at_the_door():
    async with router_of(ScriptedAdapter("first")) as router:
        with pytest.raises(ValueError, match="model has half of a surrogate pair"):
            await router.complete(HELLO, "\ud800")


# --- what cannot be told


AMBIGUOUS = [
    AuthenticationFailed("a page", status=403, ambiguous=True),
    NotWorking("no words", status=404, ambiguous=True),
]


@pytest.mark.parametrize("error", AMBIGUOUS, ids=repr)
async def test_an_ambiguous_failure_of_one_request_takes_the_provider_from_nobody(error):
    first = ScriptedAdapter.each("first", [*[[error]] * 9, ["fine"]])
    async with router_of(first, retry=ONCE) as router:
        for _ in range(9):
            await fail(router, asking("the same"))
        assert (await router.complete(asking("another"))).text == "fine"


@pytest.mark.parametrize("error", AMBIGUOUS, ids=repr)
async def test_three_different_requests_without_a_success_between_make_it_the_provider_s(error):
    first = ScriptedAdapter("first", [error])
    async with router_of(first, retry=ONCE) as router:
        for text in ("one", "two"):
            await fail(router, asking(text))
            assert router.health().providers[0].can_answer
        await fail(router, asking("three"))
        entry = router.health().providers[0]
        assert (entry.state, entry.can_answer, entry.back_in) == ("unhealthy", False, 60)


@pytest.mark.parametrize("error", AMBIGUOUS, ids=repr)
async def test_a_success_between_starts_the_doubt_anew(error):
    first = ScriptedAdapter.each("first", [[error], [error], ["fine"], [error], [error], ["fine"]])
    async with router_of(first, retry=ONCE) as router:
        for n in range(2):
            await fail(router, asking(f"a{n}"))
            await fail(router, asking(f"b{n}"))
            assert (await router.complete(asking("c"))).text == "fine"


async def test_a_bug_in_an_adapter_that_one_request_brings_out_is_not_held_against_it():
    first = ScriptedAdapter.each("first", [*[[ValueError("bug")]] * 9, ["fine"]])
    async with router_of(first, retry=ONCE) as router:
        for _ in range(9):
            error = await fail(router)
            assert isinstance(error.causes[0], BadReply)
        assert (await router.complete(asking("another"))).text == "fine"


def service_over(wire: Wire) -> OpenAICompatible:
    return OpenAICompatible("http://127.0.0.1:9/v1", model="m", api_key="k", transport=wire)


REFUSED = {
    "a firewall's page": (403, b"<html><body>Request blocked</body></html>"),
    "a bare 403": (403, b""),
    "a route": (404, b"<html>not here</html>"),
    "a 404 without words": (404, b""),
    "moderation": (
        403,
        b'{"error": {"code": 403, "message": "m requires moderation: your input was flagged."}}',
    ),
    "no tools": (404, b'{"error": {"code": 404, "message": "No endpoints found that support tool use."}}'),
    "data policy": (
        404,
        b'{"error": {"code": 404, "message": "No endpoints found matching your data policy."}}',
    ),
    "region": (403, b'{"error": {"message": "Country, region, or territory not supported"}}'),
    "too long as 500": (500, b'{"error": {"message": "maximum context length is 4096 tokens"}}'),
    "too long as 429": (
        429,
        b'{"error": {"code": "rate_limit_exceeded", "message": "Request too large: tokens per minute"}}',
    ),
    "too long as 413": (413, b""),
}
GOOD = b'data: {"choices": [{"delta": {"content": "fine"}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
LENIENT = RetryPolicy(attempts=1, dispositions={ContentRefused: Disposition.FAILOVER})


@pytest.mark.parametrize("name", REFUSED)
async def test_one_refused_prompt_takes_a_real_service_from_nobody(name):
    status, body = REFUSED[name]
    wire = Wire()
    async with router_of(service_over(wire), retry=LENIENT) as router:
        for _ in range(6):
            wire.put(body, status=status, headers={"retry-after": "600"})
            await fail(router, asking("the same"))
        wire.put(GOOD)
        assert (await router.complete(asking("another"))).text == "fine"


class Refusing(Wire):
    """Closes the connection of a long request while its body is being sent, as for a 413."""

    def answer_to(self, request: httpx.Request) -> httpx.Response:
        if len(request.content) > 100_000:
            raise httpx.ReadError("cut")
        return super().answer_to(request)


async def test_a_loss_while_a_long_body_is_sent_speaks_about_that_request():
    wire = Refusing()
    async with router_of(service_over(wire), retry=ONCE) as router:
        for _ in range(6):
            error = await fail(router, asking("x" * 200_000))
            assert isinstance(error.causes[0], ConnectionLost)
        wire.put(GOOD)
        assert (await router.complete(HELLO)).text == "fine"


# --- the model


@pytest.mark.parametrize("kind", [RateLimited, ServiceFailed])
async def test_a_retry_after_for_one_model_holds_back_that_model_alone(kind):
    first = ScriptedAdapter.each("first", [[kind("slow down", retry_after=100)], ["fine"], ["fine"]])
    async with router_of(first, retry=ONCE) as router:
        await fail(router, model="big")
        assert (await router.complete(HELLO, "small")).text == "fine"
        assert (await router.complete(HELLO)).text == "fine"
        error = await fail(router, model="big")
        assert error.retry_after == pytest.approx(100)


async def test_five_failures_of_one_model_open_the_breaker_of_that_model_alone():
    first = ScriptedAdapter.each("first", [*[[ServiceFailed]] * 5, ["fine"]])
    async with router_of(first, retry=ONCE) as router:
        for _ in range(5):
            await fail(router, model="big")
        error = await fail(router, model="big")
        assert "circuit breaker open for the model 'big'" in str(error)
        assert (await router.complete(HELLO, "small")).text == "fine"


async def test_what_meets_two_models_and_three_requests_concerns_the_provider():
    first = ScriptedAdapter("first", [RateLimited("all of it", retry_after=100)])
    async with router_of(first, retry=ONCE) as router:
        for text, model in (("one", "a"), ("two", "b"), ("three", "c")):
            await fail(router, asking(text), model)
        error = await fail(router, asking("four"), "d")
        assert first.opened == 3
        assert error.retry_after == pytest.approx(100)


async def test_missing_models_never_concern_the_provider():
    first = ScriptedAdapter.each("first", [*[[ModelNotFound]] * 30, ["fine"]])
    async with router_of(first, retry=ONCE) as router:
        for n in range(30):
            await fail(router, asking(str(n)), f"m{n}")
        assert (await router.complete(HELLO)).text == "fine"


async def test_twenty_thousand_names_of_models_leave_sixty_four():
    first = ScriptedAdapter("first", [ModelNotFound])
    async with router_of(first, retry=ONCE) as router:
        for n in range(1000):
            await fail(router, model=f"{'x' * 10_000}{n}")
        models = router._providers["first"].standing._models
        assert len(models) <= 65
        assert max(len(name or "") for name in models) < 150


# --- the account and the provider


@pytest.mark.parametrize(
    "error", [QuotaExhausted("paid out", status=402), AuthenticationFailed("no key", status=401)]
)
async def test_what_speaks_about_the_account_stops_every_model(error):
    first = ScriptedAdapter("first", [error])
    async with router_of(first, retry=ONCE) as router:
        await fail(router, model="big")
        await fail(router, model="small")
        assert first.opened == 1


async def test_connection_failures_open_the_breaker_for_every_model():
    first = ScriptedAdapter("first", [ConnectFailed])
    async with router_of(first, retry=ONCE) as router:
        for model in ("a", "b", "a", "b", "a"):
            await fail(router, model=model)
        await fail(router, model="c")
        assert first.opened == 5


# --- one answer for all


async def test_a_chain_that_comes_back_says_when():
    first = ScriptedAdapter("first", [NotWorking("gone")])
    async with router_of(first, retry=ONCE) as router:
        await fail(router)
        error = await fail(router)
        assert (error.retryable, error.retry_after) == (True, 60)
        assert router.health().providers[0].back_in == 60


async def test_a_missing_default_model_is_told_by_the_report_too_and_lifted_by_an_answer():
    first = ScriptedAdapter.each("first", [[ModelNotFound("no such")], ["ok"], ["fine"]])
    async with router_of(first, retry=ONCE) as router:
        await fail(router)
        error = await fail(router)
        entry = router.health().providers[0]
        assert (error.retryable, error.retry_after) == (True, 300)
        assert (entry.can_answer, entry.back_in, entry.state) == (False, 300, "degraded")
        assert "does not have its default model" in entry.reason
        await router.check("answer")
        entry = router.health().providers[0]
        assert (entry.can_answer, entry.back_in, entry.state) == (True, None, "healthy")
        assert (await router.complete(HELLO)).text == "fine"


async def test_a_strategy_puts_one_without_the_model_behind_those_that_have_it():
    lacks, has = ScriptedAdapter("lacks", [ModelNotFound]), ScriptedAdapter("has", [1.0, "fine"])
    async with router_of(lacks, has, retry=ONCE, strategy=Fastest(explore=0)) as router:
        await router.complete(HELLO, "big", providers=["lacks", "has"])
        reply = await router.complete(HELLO, "big")
        assert [attempt.provider for attempt in reply.attempts] == ["has"]


# --- probes


@pytest.mark.parametrize(
    "error",
    [AuthenticationFailed("401"), NotWorking("404"), ServiceFailed("500"), BadReply("a page")],
    ids=repr,
)
async def test_an_odd_list_of_models_proves_nothing_against_one_that_answered(error):
    found = ProbeResult(False, "odd", error=error)
    first = ScriptedAdapter("first", "fine", probe_results=[found])
    async with router_of(first) as router:
        await router.complete(HELLO)
        for _ in range(5):
            report = await router.check()
            assert (report.providers[0].state, report.providers[0].can_answer) == ("healthy", True)
        assert (await router.complete(HELLO)).text == "fine"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (
            401,
            b'{"type": "error", "error": {"type": "authentication_error", "message": "no x-api-key"}}',
        ),
        (403, b""),
        (500, b""),
        (200, b"<html>"),
        (200, b'{"data": null}'),
        (200, b"[1, 2"),
    ],
)
@pytest.mark.parametrize("asked_before", [True, False])
async def test_a_list_of_models_that_is_refused_or_odd_takes_no_service_out(status, body, asked_before):
    wire = Wire()
    async with router_of(service_over(wire), retry=ONCE) as router:
        if asked_before:
            wire.put(GOOD)
            await router.complete(HELLO)
        for _ in range(5):
            wire.put(body, status=status)
            entry = (await router.check()).providers[0]
            assert (entry.state, entry.can_answer) == ("healthy" if asked_before else "degraded", True)
        wire.put(GOOD)
        assert (await router.complete(HELLO)).text == "fine"


async def test_a_list_without_the_configured_model_is_degraded_and_names_it():
    async with OpenAISimulator(models=["other"]) as simulator:
        service = OpenAICompatible(f"{simulator.url}/v1", model="mine", api_key="k")
        async with Router([service], observers=[]) as router:
            entry = (await router.check()).providers[0]
    assert (entry.state, entry.can_answer) == ("degraded", True)
    assert entry.reason == "reachable, but its list of models lacks 'mine'"
    assert entry.probe is not None
    assert entry.probe.working is True


async def test_a_list_without_a_mapped_model_is_degraded_and_names_it():
    mapped = {"fast": "small", "best": "large", "same": "small", **{f"m{n}": f"far-{n}" for n in range(3)}}
    probe = ProbeResult(True, "lists", models=("mine", "owner/large"))
    first = ScriptedAdapter("first", ["fine"], models=mapped, model="mine", probe_results=[probe])
    async with router_of(first) as router:
        entry = (await router.check()).providers[0]
        assert (await router.complete(HELLO)).text == "fine"
        after = router.health().providers[0]

    assert (entry.state, entry.can_answer, after.state) == ("degraded", True, "healthy")
    assert entry.reason == "reachable, but its list of models lacks 'small', 'far-0', 'far-1' and 1 more"


@pytest.mark.parametrize("listed", ["mine", "owner/mine", "mine:latest"])
async def test_a_model_is_found_with_its_owner_and_tag(listed):
    first = ScriptedAdapter("first", probe_results=[ProbeResult(True, "lists", models=(listed,))])
    first.model = "mine"
    async with router_of(first) as router:
        entry = (await router.check()).providers[0]
    assert (entry.state, entry.reason) == ("healthy", "reachable; not asked for an answer")


async def test_a_probe_that_reaches_a_service_claims_no_answer():
    first = ScriptedAdapter("first", probe_results=[True])
    async with router_of(first) as router:
        entry = (await router.check()).providers[0]
    assert (entry.state, entry.reason) == ("healthy", "reachable; not asked for an answer")


# --- hedges, slots, trials, waits


async def test_no_token_is_spent_on_an_attempt_that_finds_no_slot():
    budget = RetryBudget(0, 0, 3)
    first = ScriptedAdapter.each("first", [[3.0, ServiceFailed], [ServiceFailed], ["x"]])
    full = ScriptedAdapter("full", ["Hel", 100.0, "lo"])
    full.concurrency = 1
    policy = RetryPolicy(budget=budget, hedge=HedgePolicy(delay=1), attempts=1)
    async with router_of(first, full, retry=policy) as router, router.stream(HELLO, providers=["full"]):
        before = budget.left(anyio.current_time())
        await fail(router)
        assert budget.left(anyio.current_time()) == before


async def test_a_provider_slower_than_its_back_up_does_not_stay_half_open_for_good():
    first = ScriptedAdapter.each("first", [[ServiceFailed], [Forever]])
    second = ScriptedAdapter("second", "quick")
    breaker, policy = BreakerPolicy(consecutive=1, jitter=0), RetryPolicy(hedge=HedgePolicy(fallback=9))
    async with router_of(first, second, breaker=breaker, retry=policy) as router:
        await router.complete(HELLO)
        await anyio.sleep(15)
        await router.complete(HELLO)  # the trial, outrun after a second
        before = anyio.current_time()
        await router.complete(HELLO)
        assert anyio.current_time() == before  # nobody waits for another trial at once
        assert router.health().providers[0].breaker.repetitions == 1


def test_every_class_of_error_has_a_scope():
    def below(kind: type[AdapterError]) -> list[type[AdapterError]]:
        return [each for direct in kind.__subclasses__() for each in (direct, *below(direct))]

    assert {kind.scope for kind in below(AdapterError)} == set(Scope)
