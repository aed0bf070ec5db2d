"""What is held against a provider or a model of it, and what speaks for it. Pure: times are passed in.

Requests and probes write it; a question changes nothing. What a failure leads to follows from its scope:

    scope               counts in the breaker of    its Retry-After holds back    `working` becomes False
    request             none                        no request                    no
    model               the model                   requests for the model        no
    model, spread       the model, the provider     all requests                  no
    account, provider   the model, the provider     all requests                  by AuthenticationFailed
                                                                                  and NotWorking itself
    ambiguous           as of the request, until three requests of different content met it with no success
                        between; then as its scope says

A failure of a model is *spread* when, with no success between, requests for two different models and of three
different contents met such failures: then it concerns the provider. ModelNotFound never spreads. NotWorking
and its kinds count in no breaker: `working`, a pause (QuotaExhausted) or the memory of models keeps them.

What speaks of the account (RateLimited, NotWorking's kinds) is held against those who use the configured one.
A request that brings an account of its own is stopped by what concerns every account, which breakers of its
own count, and by what its own account met: that is in another `Standing`, one for each such account.

A request is stopped by what is held against the provider or against its model. A request that names no model
asks for the provider's default, which is one model among others. 64 models of a provider are remembered, by
names cut to 128 characters; the one that was not asked for the longest time makes room.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeAlias

from adapters.contract.errors import (
    ModelNotFound,
    NotWorking,
    QuotaExhausted,
    Scope,
    speaks_of_account,
)
from router.provider.evidence import OF_THE_WAY, Evidence, answered, lacking, told, told_by
from router.provider.record import Record, Refusal
from router.provider.signs import Signs
from router.provider.turn import Turn, permits_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.contract import ChatRequest, ProbeResult
    from adapters.contract.errors import AdapterError
    from router.events import Verdict
    from router.policy.breaker import CircuitBreaker, TrialGate
    from router.policy.breaker_snapshot import BreakerSnapshot
    from router.policy.retry import RetryPolicy

    _Models: TypeAlias = Sequence[str | None]

MOST_MODELS: Final = 64
"""Models of a provider that are remembered."""

LONGEST_NAME: Final = 128
"""Characters of a model's name that are kept."""

ENOUGH: Final = 3
"""Requests of different content that have to meet a failure before it is held against others."""

REMEMBERED: Final = 3600.0
"""Seconds for which content outweighs a probe that only reached the service."""

REACHABLE: Final = "reachable; not asked for an answer"
"""What a successful probe of level `reach` proves."""

_AWAY: Final = (*OF_THE_WAY, NotWorking)
_WHOLE: Final = ("complete", "closed", "refused")
"""Verdicts of replies that did not break off."""


class Standing:
    """What requests and probes showed of one provider.

    Args:
        breaker: Of the provider; those of its models are made after it.
        of_tenant: Whether it is about one account that requests bring along.
    """

    def __init__(self, breaker: CircuitBreaker, *, of_tenant: bool = False) -> None:
        self._of_tenant = of_tenant
        self._has_tenants = False  # some request brought an account of its own
        self.whole = Record(breaker)
        self.last_error: AdapterError | None = None
        """The newest failure that speaks about more than its request."""
        self.last_error_at: float | None = None
        self.last_success_at: float | None = None
        """When content last came."""
        self.by_request: Evidence | None = None
        """The newest evidence from requests."""
        self.against: Evidence | None = None
        """The newest evidence against the provider."""
        self._by_answer: Evidence | None = None
        self._by_reach: Evidence | None = None
        self._broke_off = False  # a reply did, and none was whole since then
        self._models: dict[str | None, Record] = {None: Record(breaker.sibling())}
        self._is_doubted = False  # whether there may be signs
        self._signs = {True: Signs(), False: Signs()}  # whether they may speak of the account
        self.gate: TrialGate | None = None
        """Of the trials, where other processes ask the provider too."""

    # -- attempts

    def turn(
        self, request: ChatRequest, model: str | None, now: float, *, account: bytes | None = None
    ) -> Turn:
        """Begin an attempt: take the permits of the breakers, which `refusals` said there are.

        Args:
            request: What is asked.
            model: By the service's name; None for its default.
            now: On the event loop's clock.
            account: A digest of the account that the request brings along; None: the configured one.
        """
        whole, record = self.whole, self._record(model)
        if account is not None and not self._has_tenants:
            self._has_tenants = True
            for each in (whole, *self._models.values()):
                each.begin_common()
        if not self._has_tenants:
            return Turn(request, model, permits_of(whole.breaker, record.breaker, now))
        commons = whole.begin_common(), record.begin_common()
        sick = any(each.state(now) != "closed" for each in commons)
        common = permits_of(*commons, now)
        # The trial of a breaker that the configured account alone has opened is not for another account.
        ours = account is None or (
            all(each.breaker.state(now) == "closed" for each in (whole, record)) or (sick and bool(common))
        )
        permits = permits_of(whole.breaker, record.breaker, now) if ours else ()
        return Turn(request, model, permits, common, account=account)

    def succeeded(self, turn: Turn, now: float, seconds: float) -> None:
        """Learn that content came `now`.

        It ends no Retry-After: a provider that answers while it is held back was asked before that.
        """
        own_account = turn.account is not None
        self.last_success_at = now
        if self._is_doubted:
            self._lift_doubts(own_account=own_account)
        known = self._models.get(_key(turn.model))
        if known is not None and not own_account:
            known.missing_until = -math.inf
        if not self._broke_off:
            self.by_request = answered(now)
        turn.succeeded(now, seconds)

    def failed(self, error: AdapterError, turn: Turn, now: float, policy: RetryPolicy) -> Scope:
        """Learn that an attempt failed before content; return whom the failure is taken to speak about."""
        of_account = speaks_of_account(error)
        scope = self._judged(error, turn, of_account=of_account)
        self._remember(error, scope, turn, now, policy, "the last attempt failed")
        if scope is Scope.REQUEST or isinstance(error, NotWorking):
            turn.released()
        else:
            asked = policy.push_back(error)
            pause = None if asked is None else min(asked, policy.remember)
            turn.failed(now, pause, of_model_only=scope is Scope.MODEL, of_account_only=of_account)
        return scope

    def broke_off(self, error: AdapterError, turn: Turn, now: float, policy: RetryPolicy) -> Scope:
        """Learn that a reply failed after content; return whom the failure is taken to speak about."""
        scope = self._judged(error, turn, of_account=speaks_of_account(error))
        self._broke_off = self._broke_off or not (scope is Scope.REQUEST or isinstance(error, ModelNotFound))
        self._remember(error, scope, turn, now, policy, "the last reply broke off")
        return scope

    def replied(self, now: float, verdict: Verdict) -> None:
        """Learn how a reply ended."""
        if verdict in _WHOLE:
            self.last_success_at = now
            if self._is_doubted:
                self._lift_doubts(own_account=False)
            self._broke_off = False
            self.by_request = answered(now)

    # -- probes

    def probed(self, result: ProbeResult, models: _Models, now: float, policy: RetryPolicy) -> None:
        """Learn what a probe found.

        Args:
            result: Of the probe.
            models: The provider's default, which a probe asks for, then others that its settings name.
            now: On the event loop's clock.
            policy: What to remember of an error.
        """
        model = models[0]
        if result.error is not None and result.level == "answer":
            scope = Scope.REQUEST if result.error.ambiguous else result.error.scope
            self._hold(result.error, scope, model, now, policy)
        found = self._found(result, models, now)
        if found is None:
            return
        if result.level == "answer":
            self._by_answer = found
        else:
            self._by_reach = found
        if result.working is False:
            self.against = found
        elif result.working and result.level == "answer":
            self._answered(now, result.seconds, model)
        for listed in result.models if result.working else ():
            known = self._models.get(_key(listed))
            if known is not None:
                known.missing_until = -math.inf

    def _found(self, result: ProbeResult, models: _Models, now: float) -> Evidence | None:
        if result.working is None:
            if result.error is None or result.error.scope is Scope.REQUEST:
                return None
            return Evidence(result.level, now, False, told_by(result), result.reason)
        if not result.working or result.level == "answer":
            away = isinstance(result.error, OF_THE_WAY)
            return Evidence(result.level, now, result.working, told_by(result), result.reason, away)
        if missing := lacking(result.models, models):
            text = f"reachable, but its list of models lacks {missing}"
            return Evidence("reach", now, False, text, result.reason)
        return Evidence("reach", now, True, REACHABLE, result.reason)

    def _answered(self, now: float, seconds: float, model: str | None) -> None:
        """Take the answer to a probe as a success, and as the trial that a half-open breaker waits for.

        It ends the break of an open one: the next request is the trial, since a few words are no load.
        """
        self._forget_doubts()
        self._broke_off = False
        for record in self._models.values():
            record.missing_until = -math.inf
        for record in (self.whole, self._record(model)):
            if record.breaker.state(now) == "half-open":
                permit = record.breaker.permit(now)
                if permit is not None:
                    permit.succeeded(now, seconds)
            else:
                record.breaker.end_break(now)
            if record.common is not None:
                record.common.end_break(now)

    # -- what other processes found

    def records(self) -> dict[str | None, Record]:
        """Return what is held against each model, by its name as it is remembered."""
        return self._models

    def record_of(self, model: str | None) -> Record | None:
        """Return the record of a model, made where there is room: no stranger drives out what is known."""
        found = self._models.get(_key(model))
        return found or (self._record(model) if len(self._models) <= MOST_MODELS else None)

    def findings(self) -> list[Evidence]:
        """Return the newest evidence of each kind."""
        return [each for each in (self.by_request, self._by_answer, self._by_reach) if each is not None]

    def told(self, found: Evidence) -> None:
        """Learn what another process found: of each kind, the newest counts."""
        known = {"traffic": self.by_request, "answer": self._by_answer, "reach": self._by_reach}[found.kind]
        if known is not None and known.at >= found.at:
            return
        if found.kind == "traffic":
            self.by_request = found
        elif found.kind == "answer":
            self._by_answer = found
        else:
            self._by_reach = found
        if not found.good:
            self.against = found

    # -- by hand

    def isolate(self, *, elsewhere: bool = False) -> None:
        """Let no request ask until `reset()`.

        Args:
            elsewhere: Whether another process was told so.
        """
        self.whole.breaker.isolate(elsewhere=elsewhere)

    def reset(self) -> None:
        """Forget what the breakers know."""
        for record in (self.whole, *self._models.values()):
            record.breaker.reset()
            if record.common is not None:
                record.common.reset()
        self._forget_doubts()

    # -- questions

    def refusals(self, model: str | None, now: float, *, own_account: bool = False) -> list[Refusal]:
        """Return why a request for `model` would not ask now; none where it would.

        Args:
            model: By the service's name; None for its default.
            now: On the event loop's clock.
            own_account: Whether it brings an account of its own.
        """
        whole = self.whole
        clear = not own_account and whole.is_clear(now)
        found = [] if clear else whole.refusals(now, "", own_account=own_account)
        record = self._models.get(_key(model))
        if record is None or (not own_account and record.is_clear(now)):
            return found
        what = "" if model is None else f" for the model {_key(model)!r}"
        found += record.refusals(now, what, own_account=own_account)
        if now < record.missing_until and not own_account:
            name = "its default model" if model is None else f"the model {_key(model)!r}"
            text = f"said lately that {record.missing_reason} {name}"
            found.append(Refusal(text, record.missing_until - now, missing=True))
        return found

    def on_trial(self, model: str | None, now: float) -> bool:
        """Whether a request for `model` would be the trial of a half-open breaker."""
        record = self._models.get(_key(model), self.whole)
        return "half-open" in (self.whole.breaker.state(now), record.breaker.state(now))

    def breaker_for(self, model: str | None, now: float) -> BreakerSnapshot:
        """Return what the breaker that decides about requests for `model` knows."""
        whole = self.whole.breaker.snapshot(now)
        record = self._models.get(_key(model))
        if record is None:
            return whole
        own = record.breaker.snapshot(now)
        if whole.state == "isolated":
            return replace(own, state="isolated", permit_in=None, elsewhere=whole.elsewhere)
        longer = (whole.permit_in or 0.0) > (own.permit_in or 0.0)
        return whole if longer or (own.state == "closed" != whole.state) else own

    def answered_since(self, then: float) -> bool:
        """Whether content came after `then`, and nothing that speaks against the provider since."""
        at = self.last_success_at
        return at is not None and at > then and (self.by_request is None or self.by_request.good)

    def evidence(self, working: bool | None) -> Evidence | None:
        """Return the evidence that decides.

        The newest word of a request or of a probe for an answer does. A probe that only reached the service
        is weaker: it excuses no failed generation, only that the service could not be reached, and what it
        found odd does not outweigh content of the last hour.

        Args:
            working: The adapter's word.
        """
        if working is False:  # a reply that began before may have been complete since then
            return self.against
        strong, reach = self.by_request, self._by_reach
        if self._by_answer is not None and (strong is None or self._by_answer.at > strong.at):
            strong = self._by_answer
        if strong is None or reach is None:
            return strong or reach
        if reach.at <= strong.at:
            return strong
        if strong.good:
            recent = reach.at - strong.at < REMEMBERED
            return strong if recent and not (reach.good or reach.of_the_way) else reach
        return reach if strong.of_the_way else strong

    # -- what follows from a failure

    def _judged(self, error: AdapterError, turn: Turn, *, of_account: bool) -> Scope:
        """Return whom a failure is taken to speak about: the table of the module."""
        said = (error.own_scope or error.scope) if self._of_tenant else error.scope
        if said is Scope.REQUEST:
            return Scope.REQUEST
        self._is_doubted = True
        signs = self._signs[of_account]
        if error.ambiguous:
            met = signs.doubts.setdefault(type(error).__name__, set())
            if len(met) < ENOUGH:
                met.add(turn.content)
            if len(met) < ENOUGH:
                return Scope.REQUEST
        if said is Scope.MODEL and not isinstance(error, ModelNotFound):
            if len(signs.sick_models) < 2:
                signs.sick_models.add(_key(turn.model))
            if len(signs.sick_contents) < ENOUGH:
                signs.sick_contents.add(turn.content)
            if len(signs.sick_models) > 1 and len(signs.sick_contents) >= ENOUGH:
                return Scope.PROVIDER
        return said

    def _remember(
        self, error: AdapterError, scope: Scope, turn: Turn, now: float, policy: RetryPolicy, what: str
    ) -> None:
        if scope is Scope.REQUEST:
            return
        self.last_error, self.last_error_at = error, now
        if not isinstance(error, ModelNotFound):
            away = isinstance(error, _AWAY)
            self.by_request = self.against = Evidence(
                "traffic", now, False, f"{what} ({told(error)})", str(error), away
            )
        self._hold(error, scope, turn.model, now, policy)

    def _hold(
        self, error: AdapterError, scope: Scope, model: str | None, now: float, policy: RetryPolicy
    ) -> None:
        if scope is Scope.REQUEST:
            return
        refused, used_up = isinstance(error, NotWorking), isinstance(error, QuotaExhausted)
        if refused and not used_up and scope is Scope.MODEL:
            record = self._record(model)
            record.missing_until = now + policy.missing_model_pause
            lacking = isinstance(error, ModelNotFound)
            record.missing_reason = "it does not have" if lacking else "it does not let this account use"
        pause = policy.push_back(error)
        if pause is None and used_up:
            pause = policy.quota_pause
        if pause is not None:
            record = self._record(model) if scope is Scope.MODEL else self.whole
            until, account = now + min(pause, policy.remember), speaks_of_account(error)
            record.hold(until, type(error).__name__, account=account)

    def _lift_doubts(self, *, own_account: bool) -> None:
        self._signs[False].forget()
        if not own_account or self._of_tenant:  # the configured account is another one
            self._signs[True].forget()
            self._is_doubted = False

    def _forget_doubts(self) -> None:
        for signs in self._signs.values():
            signs.forget()

    def _record(self, model: str | None) -> Record:
        """Return the record of a model, made where there is none; it becomes the newest."""
        key = _key(model)
        record = self._models.pop(key, None)
        if record is None:
            record = Record(self.whole.breaker.sibling())
            record.breaker.gate = self.gate
            if self._has_tenants:
                record.begin_common()
        self._models[key] = record
        if len(self._models) > MOST_MODELS + 1:  # and the default, which stays
            oldest = next(name for name in self._models if name is not None)
            del self._models[oldest]
        return record


def _key(model: str | None) -> str | None:
    """Return the name under which a model is remembered: a long one is cut, and told apart by its sum."""
    if model is None or len(model) <= LONGEST_NAME:
        return model
    return f"{model[:LONGEST_NAME]}…{zlib.crc32(model.encode('utf-8', 'surrogatepass')):08x}"
