"""What is held against a provider, and what speaks for it. Pure: the time is passed in.

Requests and probes write it; a question changes nothing. What is over by a certain time is computed from the
time that is passed in, and is removed when something new is written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from adapters.contract.errors import ModelNotFound, QuotaExhausted
from router.provider.evidence import NO_WORD, OF_THE_WAY, REFUSALS, Evidence, told, told_by

if TYPE_CHECKING:
    from adapters.contract import ProbeResult
    from adapters.contract.errors import AdapterError
    from router.events import Verdict
    from router.policy.retry import RetryPolicy

_WHOLE = ("complete", "closed", "refused")
"""Verdicts of replies that did not break off."""


@dataclass(slots=True)
class Standing:
    """What requests and probes showed of one provider.

    Attributes:
        held_until: No request asks it before this time on the event loop's clock.
        held_reason: Why.
        missing_models: Model -> the time until which it is not asked for that model.
        last_error: The newest failure.
        last_error_at: When it was.
        last_success_at: When content last came.
        last_reply_broke: Whether a reply broke off, and none was whole since then.
        by_request: The newest evidence from requests.
        by_probe: The newest evidence from a probe.
        against: The newest evidence against it.
    """

    held_until: float | None = None
    held_reason: str = ""
    missing_models: dict[str | None, float] = field(default_factory=dict)
    last_error: AdapterError | None = None
    last_error_at: float | None = None
    last_success_at: float | None = None
    last_reply_broke: bool = False
    by_request: Evidence | None = None
    by_probe: Evidence | None = None
    against: Evidence | None = None

    def succeeded(self, now: float) -> None:
        """Learn that content came `now`.

        It ends no Retry-After: a provider that answers while it is held back was asked before that.
        """
        self.last_success_at = now
        if not self.last_reply_broke:
            self.by_request = Evidence("traffic", now, True, "it answered")

    def failed(self, error: AdapterError, model: str | None, now: float, policy: RetryPolicy) -> None:
        """Learn that an attempt failed before content."""
        if isinstance(error, ModelNotFound):
            self._forget_models(now)
            self.missing_models[model] = now + policy.missing_model_pause
        self._remember(error, now, policy, "the last attempt failed")

    def broke_off(self, error: AdapterError, now: float, policy: RetryPolicy) -> None:
        """Learn that a reply failed after content, which may say something about other requests too."""
        self.last_reply_broke = self.last_reply_broke or not isinstance(error, NO_WORD)
        self._remember(error, now, policy, "the last reply broke off")

    def replied(self, now: float, verdict: Verdict) -> None:
        """Learn how a reply ended."""
        if verdict in _WHOLE:
            self.last_reply_broke = False
            self.last_success_at = now
            self.by_request = Evidence("traffic", now, True, "it answered")

    def probed(self, result: ProbeResult, now: float, policy: RetryPolicy) -> None:
        """Learn what a probe found."""
        if result.error is not None:
            self._hold_back(result.error, now, policy)
        if isinstance(result.error, REFUSALS):
            self.by_probe = Evidence(result.level, now, False, told_by(result), result.reason)
        if result.working is None:
            return
        self.by_probe = Evidence(result.level, now, result.working, told_by(result), result.reason)
        if not result.working:
            self.against = self.by_probe
        elif result.level == "answer":
            self.last_reply_broke = False

    def held(self, now: float) -> float | None:
        """Return the seconds for which it is still held back, or None."""
        if self.held_until is None or now >= self.held_until:
            return None
        return self.held_until - now

    def lacks_model(self, model: str | None, now: float) -> bool:
        """Whether it said lately that it does not have `model`."""
        until = self.missing_models.get(model)
        return until is not None and now < until

    def evidence(self, working: bool | None) -> Evidence | None:
        """Return the evidence that decides.

        The newest one does, but a probe that only reached the service does not excuse a failed generation.

        Args:
            working: The adapter's word.
        """
        asked, probed = self.by_request, self.by_probe
        if working is False:  # a reply that began before may have been complete since then
            return self.against
        if asked is None or probed is None:
            return asked or probed
        if probed.at <= asked.at:
            return asked
        excuses = asked.good or probed.kind == "answer" or not probed.good or asked.of_the_way
        return probed if excuses else asked

    def _forget_models(self, now: float) -> None:
        for model in [model for model, until in self.missing_models.items() if now >= until]:
            del self.missing_models[model]

    def _remember(self, error: AdapterError, now: float, policy: RetryPolicy, what: str) -> None:
        self.last_error, self.last_error_at = error, now
        if not isinstance(error, NO_WORD):
            self.by_request = self.against = Evidence(
                "traffic", now, False, f"{what} ({told(error)})", str(error), isinstance(error, OF_THE_WAY)
            )
        self._hold_back(error, now, policy)

    def _hold_back(self, error: AdapterError, now: float, policy: RetryPolicy) -> None:
        pause = policy.push_back(error)
        if pause is None and isinstance(error, QuotaExhausted):
            pause = policy.quota_pause
        if pause is not None:
            until = now + min(pause, policy.remember)
            if self.held_until is None or until > self.held_until:
                self.held_until, self.held_reason = until, type(error).__name__
