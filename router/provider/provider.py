"""A provider: a configured adapter in a router, and what requests and probes showed of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from adapters.contract import Outcome
from adapters.contract.errors import ContextTooLong, FirstContentTimeout, NotWorking
from adapters.contract.reader import reader
from router.errors import ACCOUNT_REFUSED
from router.policy.strategy import Candidate, Pace
from router.policy.utc import utc_now
from router.provider.evidence import OF_THE_WAY
from router.provider.limits import Limits
from router.provider.probe_budget import ProbeBudget
from router.provider.record import Refusal
from router.provider.sizes import Sizes
from router.provider.standing import REACHABLE, REMEMBERED, Standing
from router.provider.tenants import Tenants
from router.provider.turn import Turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.contract import Adapter, ChatRequest, ProbeResult, Usage
    from adapters.contract.errors import AdapterError, Scope
    from router.events import Verdict
    from router.policy.breaker import CircuitBreaker
    from router.policy.prices import Prices
    from router.policy.retry import RetryPolicy
    from router.provider.account import Account
    from router.provider.sharing import Sharing
    from router.provider.sizes import TooLarge


@dataclass(slots=True, eq=False, repr=False)
class Provider:
    """A configured adapter in a router.

    Attributes:
        adapter: What speaks to the service.
        name: That of the adapter.
        breaker: Stops requests while the provider fails; its models have breakers after its pattern.
        standing: What requests and probes showed of it.
        pace: How fast it brings its first content.
        generation: Of the service's software, as the newest probe told.
        models: That it says it has, as the newest probe told.
        sizes: How large a request its models take.
        rate_sizes: How large a request the configured account may send, by its tokens in a minute.
        tenants: What the accounts met that requests brought along.
        probe_budget: Probes of level `answer` that may be spent on it.
        utc: Returns the time of day in seconds UTC since 1970.
        prices: What models cost, where that is known.
        limits: What this side lets it be asked, where it has limits.
        account: What was spent on it, where there are prices.
        bug_told: Whether the observers were told that its adapter raised when it was looked at.
        sharing: Shares what is known with other processes; None where there are none.
    """

    adapter: Adapter
    breaker: CircuitBreaker
    name: str = field(init=False)
    standing: Standing = field(init=False)
    pace: Pace = field(default_factory=Pace)
    generation: str | None = None
    models: tuple[str, ...] = ()
    sizes: Sizes = field(default_factory=Sizes)
    rate_sizes: Sizes = field(default_factory=Sizes)
    tenants: Tenants = field(init=False)
    probe_budget: ProbeBudget = field(init=False)
    utc: Callable[[], float] = utc_now
    prices: Prices | None = None
    limits: Limits | None = field(init=False)
    account: Account | None = field(init=False)
    bug_told: bool = False
    sharing: Sharing | None = None

    def __post_init__(self) -> None:
        self.name = self.adapter.name
        self.standing = Standing(self.breaker)
        self.tenants = Tenants(self.breaker)
        self.probe_budget = ProbeBudget(self.adapter.answer_probes)
        self.limits = Limits.of(self.adapter, self.utc)
        self.account = None
        if self.prices is not None:
            from router.provider.account import Account  # money is for those who have prices

            self.account = Account(self.adapter, self.prices, self.utc)

    def turn(self, request: ChatRequest, now: float) -> Turn:
        """Begin an attempt at the provider; it is told how the attempt ended, once."""
        turn = self.standing.turn(
            request, self.adapter.model_for(request), now, account=request.account_at(self.name)
        )
        if turn.account is not None:
            self.tenants.begin(turn, now)
        return turn

    def succeeded(self, turn: Turn, now: float, seconds: float) -> None:
        """Learn that content came `now`, `seconds` after the attempt began."""
        self.pace.add(now, seconds)
        self.standing.succeeded(turn, now, seconds)
        self.sizes.fitted(turn.model, turn.request)
        if turn.account is None:
            self.rate_sizes.fitted(turn.model, turn.request)
        else:
            self.tenants.succeeded(turn, now, seconds)
        own_account = turn.account is not None
        if not (own_account and self.adapter.refused_account):  # the configured account is still refused
            self.adapter.mark(Outcome(now))
        if self.sharing is not None and not own_account:
            self.sharing.changed(now, turn.model, "traffic", None)

    def failed(
        self, error: AdapterError, turn: Turn, now: float, policy: RetryPolicy, seconds: float = 0.0
    ) -> None:
        """Learn that an attempt failed before content: what to remember for other requests.

        Args:
            error: The failure.
            turn: Of the attempt.
            now: On the event loop's clock.
            policy: How long to remember.
            seconds: How long the attempt took.
        """
        if turn.account is not None:
            self.tenants.failed(error, turn, now, policy)
        scope = self.standing.failed(error, turn, now, policy)
        if isinstance(error, ContextTooLong) and not (error.per_minute and turn.account is not None):
            self._learn_size(error, turn, now)
        if isinstance(error, FirstContentTimeout) and scope is not scope.REQUEST:
            self.pace.add(now, seconds)  # it takes at least so long
        self._mark(error, scope, now, turn.model)

    def _learn_size(self, error: ContextTooLong, turn: Turn, now: float) -> None:
        """Remember what was too large; what another key may take is not."""
        sizes = self.rate_sizes if error.per_minute else self.sizes
        if not error.other_key:
            sizes.refused(turn.model, turn.request, error, now)

    def broke_off(self, error: AdapterError, request: ChatRequest, now: float, policy: RetryPolicy) -> None:
        """Learn that a reply failed after content, which may say something about other requests too."""
        turn = Turn(request, self.adapter.model_for(request), account=request.account_at(self.name))
        if turn.account is not None:
            self.tenants.broke_off(error, turn, now, policy)
        self._mark(error, self.standing.broke_off(error, turn, now, policy), now, turn.model)

    def _mark(self, error: AdapterError, scope: Scope, now: float, model: str | None) -> None:
        self.adapter.mark(Outcome(now, error, scope))
        if self.sharing is not None and scope is not scope.REQUEST:
            self.sharing.changed(now, model, "traffic", error)

    def replied(self, now: float, verdict: Verdict) -> None:
        """Learn how a reply ended."""
        self.standing.replied(now, verdict)

    def probed(self, result: ProbeResult, now: float, policy: RetryPolicy) -> None:
        """Learn what a probe found; the adapter's `working` follows it.

        A service that answered within the last hour is not taken out because its cheapest endpoint refuses
        the probe or answers oddly: content outweighs that.
        """
        if self.sharing is not None:  # what others found came before this, and this may end it
            self.sharing.apply(now)
        self.generation = result.generation or self.generation
        self.models = result.models or self.models
        self.sizes.listed = result.context_tokens or self.sizes.listed
        outweighed = (
            result.level == "reach"
            and result.working is False
            and result.error is not None
            and not isinstance(result.error, OF_THE_WAY)
            and self.standing.answered_since(now - REMEMBERED)
        )
        if outweighed:
            result = replace(result, working=None)
        self.standing.probed(result, (self.adapter.model, *self.adapter.models.values()), now, policy)
        if outweighed:
            self.adapter.mark(Outcome(now))
        elif result.working is not None and self.adapter.working_at(now) is not result.working:
            if result.working:
                reason = "it answered" if result.level == "answer" else REACHABLE
                self.adapter.mark(Outcome(now, reason=reason))
            else:
                self.adapter.mark(Outcome(now, NotWorking(result.reason)))
        if self.sharing is not None and result.working is not None:
            self.sharing.changed(now, self.adapter.model, result.level, result.error)

    def counted(self, request: ChatRequest, usage: Usage | None) -> None:
        """Learn how many tokens a request had, where the service counted them."""
        if usage is not None:
            self.sizes.counted(self.adapter.model_for(request), request, usage.prompt_tokens)

    def too_large(self, request: ChatRequest, model: str | None, now: float) -> TooLarge | None:
        """Return why a request is too large for a model, or None where it is not known to be so.

        Args:
            request: What is asked.
            model: By the service's name; None for its default.
            now: On the event loop's clock.
        """
        sizes, rate_sizes = self.sizes, self.rate_sizes
        said = self.adapter.capabilities.of(model).context_tokens
        if said is not None or sizes.listed or now < sizes.until:
            found = sizes.refuses(model, request, said, now)
            if found is not None:
                return found
        account = request.account_at(self.name)
        if account is not None:
            return self.tenants.too_large(request, account, model, now)
        return rate_sizes.refuses(model, request, None, now) if now < rate_sizes.until else None

    def isolate(self) -> None:
        """Let no request ask until `reset()`."""
        self.standing.isolate()
        if self.sharing is not None:
            self.sharing.isolated()

    def reset(self) -> None:
        """Forget what the breakers know, also what others told of them."""
        if self.sharing is not None:
            self.sharing.heed()
        self.standing.reset()
        self.tenants.reset()
        if self.sharing is not None:
            self.sharing.reset()

    def refusal(self, model: str | None, now: float, request: ChatRequest | None = None) -> Refusal | None:
        """Return why a request for `model` would not ask now and until when, or None where it would.

        This one answer is what the choice of providers, strategies, reports and errors use.

        Args:
            model: By the service's name; None for its default.
            now: On the event loop's clock.
            request: To be sent, whose size the limits of this side look at. Where it brings an account of its
                own, what was said of that one stops it, and nothing that was said of ours.
        """
        account = None if request is None else request.account_at(self.name)
        own_account = account is not None
        if self.sharing is not None:
            self.sharing.apply(now)
        found = self.standing.refusals(model, now, own_account=own_account)
        if account is not None:
            found += self.tenants.refusals(account, model, now)
        if self.limits is not None and (limited := self.limits.refusal(request, now)) is not None:
            found.append(limited)
        if self.account is not None and (spent := self.account.refusal()) is not None:
            found.append(spent)
        if self.adapter.working_at(now) is False and not (own_account and self.adapter.refused_account):
            found.insert(0, self._not_working(now))
        if not found:
            return None
        waits = [refusal.back_in for refusal in found]
        longest = None if None in waits else max(wait for wait in waits if wait is not None)
        return found[0]._replace(
            back_in=longest,
            on_trial=all(refusal.on_trial for refusal in found),
            limited=all(refusal.limited for refusal in found),
        )

    def _not_working(self, now: float) -> Refusal:
        what = ACCOUNT_REFUSED if self.adapter.refused_account else "not working"
        said, until = f"{what}: {self.adapter.working_reason}", self.adapter.recheck_at
        if until is None:
            return Refusal(f"{said}; {reader().probe()} brings it back", None)
        wait = until - now
        return Refusal(f"{said}; asked again in {wait:.0f} s, or after {reader().probe()}", wait)

    def candidate(self, request: ChatRequest | None, now: float) -> Candidate:
        """Return what a strategy knows of it, for a request; None stands for one that names no model."""
        price = None
        try:
            model = self.adapter.model if request is None else self.adapter.model_for(request)
            asked = self.refusal(model, now, request) is None
            if self.account is not None:
                price = self.account.expected(request)
        except Exception:  # noqa: BLE001 - the request tells of the bug when it comes to this provider
            asked = False
        return Candidate(self.name, asked, self.pace.first_content, self.pace.measured_at, price)

    def heard_since(self, then: float) -> bool:
        """Whether requests told something about it after `then`."""
        told = self.standing.by_request
        return told is not None and told.at > then
