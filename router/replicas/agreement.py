"""What this replica tells the others, and what it believes of what they tell. Pure: times are passed in.

What is found here is compared with what was told last, and the difference is told. What is heard is applied
by the rules for own evidence:

    held            the later end counts; a success ends no Retry-After
    open, closed    the newest word; a breaker isolated by hand stays so
    isolated, released    the newest word of an operator; see `isolation`
    missing, found  the newest word
    down, up        the newest word; but content of the last hour outweighs a probe `reach` that found
                    something odd, and who has it says so to all

Of what a request met alone nothing is told. No word of a service, prompt, address or key leaves this process:
names of providers and models, classes of errors and durations do.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, TypeVar

from adapters.contract import Outcome, errors
from adapters.contract.errors import ModelNotFound, NotWorking
from router.provider.evidence import OF_THE_WAY, Evidence, told
from router.provider.standing import REACHABLE, REMEMBERED
from router.replicas.isolation import LATEST, Isolations
from router.replicas.lease import TrialLease
from router.replicas.message import Message
from router.replicas.register import Register

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adapters.contract.errors import AdapterError
    from router.policy.retry import RetryPolicy
    from router.provider.evidence import EvidenceKind
    from router.provider.provider import Provider
    from router.provider.record import Record
    from router.replicas.message import Kind, Source
    from router.replicas.register import Place
    from router.replicas.state import StoreState

OF_ACCOUNT: Final = frozenset({"AuthenticationFailed", "ModelNotFound", "QuotaExhausted", "RateLimited"})
"""Classes of errors that may be other ones on another account; see `adapters.contract.errors`."""
WAITING: Final = 512
"""Messages that wait to be sent; a further one drives out the oldest."""
UNREAD: Final = 4096
"""Messages that wait to be applied."""
SENDERS: Final = 1024
MODELS: Final = 8
"""Models of a provider that a belief names."""
_OF_THE_WHOLE: Final = frozenset({"up", "down", "isolated", "released"})
_OPPOSITES: Final = {"closed": "open", "found": "missing", "down": "up", "released": "isolated"}
_REGISTERS: Final = 4096
_ODD: Final = tuple(kind.__name__ for kind in OF_THE_WAY)

_K = TypeVar("_K")
_V = TypeVar("_V")
_Key: TypeAlias = tuple[str, bool, str | None, str]


class Anew(NamedTuple):
    """The store lost what it had: everything is told once more."""


class Heard(NamedTuple):
    """A message that was read.

    Attributes:
        message: What it says.
        place: Its place in the order of all.
    """

    message: Message
    place: Place


class _Facts(NamedTuple):
    held_until: float
    held_reason: str
    pause: tuple[float, int] | None
    missing_until: float


class Agreement:
    """The beliefs of one replica about the providers of its router.

    Args:
        providers: By name.
        policy: How long to remember.
        store: What is known of the store.
        uniform: Returns a random number between two.
        wake: Called where something waits to be sent.
    """

    def __init__(
        self,
        providers: Mapping[str, Provider],
        policy: RetryPolicy,
        store: StoreState,
        uniform: Callable[[float, float], float],
        wake: Callable[[], None],
    ) -> None:
        self.me = ""
        self.providers = providers
        self.outbox: deque[tuple[Message, float]] = deque(maxlen=WAITING)
        """What waits to be sent, and when it was found."""
        self.inbox: deque[Heard | Anew] = deque(maxlen=UNREAD)
        self.leases: dict[str, TrialLease] = {}
        self.beliefs: Mapping[str, Mapping[str, Any]] = {}
        """What is believed, for those who look at it; a time is on the router's clock."""
        self.doubles = self.unknown = 0
        self._policy = policy
        self._store = store
        self._uniform = uniform
        self._wake = wake
        self._said = 0
        self._newest: dict[str, int] = {}  # sender -> the newest of its numbers
        self._registers: dict[_Key, Register] = {}
        self._seen: dict[tuple[str, bool, str | None], _Facts] = {}
        self._working: dict[str, tuple[bool | None, float | None, str]] = {}
        self.isolations = Isolations(uniform)
        for name, provider in providers.items():
            lease = self.leases[name] = TrialLease(name, provider.breaker.policy.trial_limit, store)
            provider.standing.gate = provider.breaker.gate = lease
            for record in provider.standing.records().values():
                record.breaker.gate = lease
            self._working[name] = provider.adapter.working, provider.adapter.recheck_at, ""

    def begin(self, me: str, now: float) -> None:
        """Begin at the first use: from here on this is the id of the replica.

        Args:
            me: An id that no other process has, whatever was forked before.
            now: On the router's clock.
        """
        self.me = me
        for provider in self.providers.values():
            if provider.standing.whole.breaker.state(now) == "isolated":
                self.isolated(provider, now)
        self._believe(now)

    # -- what is found here

    def changed(
        self,
        provider: Provider,
        now: float,
        model: str | None,
        source: EvidenceKind,
        error: AdapterError | None,
    ) -> None:
        """Tell what is new of a provider; see `router.provider.sharing.Sharing`."""
        name, standing = provider.name, provider.standing
        before = self._said
        self._compare(name, None, standing.whole, now, whole=True)
        if source == "traffic":
            record = standing.records().get(model)
            if record is not None:
                self._compare(name, model, record, now)
        else:
            self._compare_models(provider, now)
        self._compare_working(provider, now, source, error)
        if self._said != before:
            self._believe(now)
            self._wake()

    def isolated(self, provider: Provider, now: float, since: float | None = None) -> None:
        """Tell that a provider was isolated by hand, now or earlier; before `begin` it waits for that."""
        if not self.me:
            return
        self._say(provider.name, None, "isolated", now if since is None else since - LATEST)
        self.isolations.add(provider.name, now if since is None else since, now)
        self._believe(now)
        self._wake()

    def remind(self, now: float) -> None:
        """Say again what is isolated, where nobody did so for long."""
        for name, since in self.isolations.due(now):
            self._say(name, None, "isolated", since)
        self._wake()

    def reset(self, provider: Provider, now: float) -> None:
        """Tell that a provider was reset by hand, and what changed by that."""
        if not self.me:
            return
        self._say(provider.name, None, "released", now)
        self.isolations.remove(provider.name)
        self._compare(provider.name, None, provider.standing.whole, now, whole=True)
        self._compare_models(provider, now)
        self._believe(now)
        self._wake()

    def _compare_models(self, provider: Provider, now: float) -> None:
        for model, record in provider.standing.records().items():
            self._compare(provider.name, model, record, now)

    def _compare(
        self, name: str, model: str | None, record: Record, now: float, *, whole: bool = False
    ) -> None:
        key, facts = (name, whole, model), _facts_of(record)
        seen = self._seen.get(key, _NO_FACTS)
        if facts == seen:
            return
        self._seen[key] = facts
        _bound(self._seen, _REGISTERS)
        if facts.held_until != seen.held_until and facts.held_until > now:
            self._say(name, model, "held", now, facts.held_until - now, facts.held_reason, whole=whole)
        if facts.pause != seen.pause:
            if facts.pause is None:
                self._say(name, model, "closed", now, whole=whole)
            else:
                lasts, times = max(0.0, facts.pause[0] - now), facts.pause[1]
                self._say(name, model, "open", now, lasts, whole=whole, repetitions=times)
        if facts.missing_until > now and facts.missing_until != seen.missing_until:
            lacking = ModelNotFound if "have" in record.missing_reason else NotWorking
            self._say(name, model, "missing", now, facts.missing_until - now, lacking.__name__)
        elif facts.missing_until < seen.missing_until and seen.missing_until > now:
            self._say(name, model, "found", now)

    def _compare_working(
        self, provider: Provider, now: float, source: EvidenceKind, error: AdapterError | None
    ) -> None:
        if source == "none":
            return
        name, adapter = provider.name, provider.adapter
        is_working, recheck_at = adapter.working_at(now), adapter.recheck_at
        before = self._working[name]
        probed = source != "traffic"
        if is_working is None or (not probed and (is_working, recheck_at) == before[:2]):
            return
        if is_working:
            reason, kind, lasts = "", "up", 0.0
        else:
            reason, kind, lasts = type(error).__name__ if error else "", "down", 0.0
        self._working[name] = is_working, recheck_at, reason
        self._say(name, None, kind, now, lasts, reason, source)  # type: ignore[arg-type]  # one of two words

    def _say(
        self,
        name: str,
        model: str | None,
        kind: Kind,
        now: float,
        lasts: float = 0.0,
        reason: str = "",
        source: Source = "traffic",
        *,
        whole: bool = False,
        repetitions: int = 0,
    ) -> None:
        whole = whole or kind in _OF_THE_WHOLE
        self._said += 1
        repetitions = min(repetitions, 1000)
        message = Message(self.me, self._said, name, model, whole, kind, lasts, reason, source, repetitions)
        self.outbox.append((message, now))
        if kind != "held":
            self._register(message).said(message, now + self._store.ahead)

    # -- what is heard

    def apply(self, now: float) -> None:
        """Apply what was heard."""
        if not self.inbox:
            return
        while self.inbox:
            item = self.inbox.popleft()
            if isinstance(item, Anew):
                self._begin_anew(now)
            else:
                self._hear(item.message, item.place, now)
        self._believe(now)

    def _hear(self, message: Message, place: Place, now: float) -> None:
        provider = self.providers.get(message.provider)
        if provider is None:
            self.unknown += 1
            return
        if message.number <= self._newest.get(message.sender, 0):
            self.doubles += 1
            return
        self._newest[message.sender] = message.number
        _bound(self._newest, SENDERS)
        record = provider.standing.whole if message.whole else provider.standing.record_of(message.model)
        if record is None:
            self.unknown += 1
            return
        mine = message.sender == self.me
        if message.kind == "held":
            until = self._local(place, now) + min(message.lasts, self._policy.remember)
            if not mine and until > now:
                reason = message.reason or "RateLimited"
                record.hold(until, reason, account=reason in OF_ACCOUNT)
        else:
            register = self._register(message)
            winner = register.heard(message, place, mine=mine)
            if winner is not None and register.place is not None:
                self._follow(provider, record, winner, self._local(register.place, now), now)
        if message.kind == "isolated":
            self.isolations.said(message.provider, now)
        key = (message.provider, message.whole, message.model)
        self._seen[key] = _facts_of(record)

    def _follow(self, provider: Provider, record: Record, message: Message, found: float, now: float) -> None:
        """Make the state of this replica what a message says."""
        match message.kind:
            case "open":
                policy = provider.breaker.policy
                longest = max(policy.open_cap * (1 + policy.jitter), self._policy.remember)
                until = found + min(message.lasts, longest)
                if until > now - REMEMBERED:
                    record.breaker.follow((until, message.repetitions))
            case "closed":
                record.breaker.follow(None)
            case "missing":
                lacking = message.reason == ModelNotFound.__name__
                record.missing_until = found + min(message.lasts, self._policy.missing_model_pause)
                record.missing_reason = "it does not have" if lacking else "it does not let this account use"
            case "found":
                record.missing_until = -math.inf
            case "isolated":
                here = record.breaker.state(now) == "isolated" and not record.breaker.elsewhere
                provider.standing.isolate(elsewhere=not here)
                self.isolations.add(provider.name, found, now)
            case "released":
                if record.breaker.state(now) == "isolated":
                    record.breaker.reset()
                self.isolations.remove(provider.name)
            case _:
                self._follow_working(provider, message, found, now)

    def _follow_working(self, provider: Provider, message: Message, found: float, now: float) -> None:
        adapter, standing, source = provider.adapter, provider.standing, message.source
        if message.kind == "up":
            words = REACHABLE if source == "reach" else "it answered"
            standing.told(Evidence(source, found, True, f"{words}, by another replica"))
            if adapter.working_at(now) is not True:
                adapter.mark(Outcome(found, reason=f"{words}, by another replica"))
        elif (
            source == "reach"
            and message.reason
            and message.reason not in _ODD
            and standing.answered_since(now - REMEMBERED)
        ):
            self._working[provider.name] = True, adapter.recheck_at, ""
            self._say(provider.name, None, "up", now, source="traffic")
            self._wake()
            return
        else:
            error = _error_of(message.reason)
            standing.told(Evidence(source, found, False, f"{told(error)}, by another replica"))
            adapter.mark(Outcome(found, error))
        self._working[provider.name] = adapter.working_at(now), adapter.recheck_at, message.reason

    def _begin_anew(self, now: float) -> None:
        """Tell everything once more, to a store that has forgotten it."""
        self._registers.clear()
        self._newest.clear()
        self.outbox.clear()
        for name, provider in self.providers.items():
            for key in [key for key in self._seen if key[0] == name]:
                del self._seen[key]
            self._compare(name, None, provider.standing.whole, now, whole=True)
            self._compare_models(provider, now)
            if provider.adapter.working_at(now) is False and provider.standing.against is not None:
                self._say(name, None, "down", now, reason=self._working[name][2])
        for name, since in self.isolations.since.items():
            self._say(name, None, "isolated", since)
        self._wake()

    # -- beliefs

    def _believe(self, now: float) -> None:
        """Note what is believed now, and when the first pauses end."""
        beliefs: dict[str, Mapping[str, Any]] = {}
        for name, provider in self.providers.items():
            records = provider.standing.records()
            pauses = [r.breaker.pause() for r in (provider.standing.whole, *records.values())]
            self._due(self.leases[name], min((p[0] for p in pauses if p is not None), default=math.inf), now)
            whole, own = provider.standing.whole, records[None]
            pause = whole.breaker.pause() or own.breaker.pause()
            is_working = provider.adapter.working_at(now)
            beliefs[name] = {
                "working": {True: "yes", False: "no", None: "not known"}[is_working],
                "isolated": "yes" if name in self.isolations.since else None,
                "open_until": None if pause is None else pause[0],
                "held_until": max(whole.held_until, own.held_until),
                "held_by": whole.held_reason or own.held_reason,
                "missing": sum(record.missing_until > now for record in records.values()),
                "models": _stopped(records, now),
            }
        self.beliefs = beliefs

    def _due(self, lease: TrialLease, due_at: float, now: float) -> None:
        if lease.due_at == due_at:
            return
        pause = max(due_at - now, self.providers[lease.name].breaker.policy.open_for)
        lease.alone_at = due_at + self._uniform(0.0, pause) if due_at < math.inf else math.inf
        lease.due_at = due_at

    # -- registers and times

    def _register(self, message: Message) -> Register:
        aspect = _OPPOSITES.get(message.kind, message.kind)
        key = message.provider, message.whole, message.model, aspect
        register = self._registers.pop(key, None) or Register()
        self._registers[key] = register
        _bound(self._registers, _REGISTERS)
        return register

    def _local(self, place: Place, now: float) -> float:
        """Return when something was found on the router's clock: never in the future."""
        return min(now, place[0] - self._store.ahead)


_NO_FACTS: Final = _Facts(-math.inf, "", None, -math.inf)


def _facts_of(record: Record) -> _Facts:
    return _Facts(record.held_until, record.held_reason, record.breaker.pause(), record.missing_until)


def _stopped(records: Mapping[str | None, Record], now: float) -> dict[str, dict[str, Any]]:
    """Return what is held against the first models by name; that of the default stands with the provider."""
    found: dict[str, dict[str, Any]] = {}
    for model in sorted(name for name in records if name is not None):
        record = records[model]
        pause, until = record.breaker.pause(), record.held_until
        if (pause is not None or until > now) and len(found) < MODELS:
            open_until = None if pause is None else pause[0]
            found[model] = {"open_until": open_until, "held_until": until, "held_by": record.held_reason}
    return found


def _error_of(reason: str) -> NotWorking:
    """Return an error of the class that a message names, where it is one that takes a provider out."""
    kind = getattr(errors, reason, NotWorking) if reason else NotWorking
    kind = kind if isinstance(kind, type) and issubclass(kind, errors.AuthenticationFailed) else NotWorking
    return kind("another replica found it not working" + (f" ({reason})" if reason else ""))


def _bound(table: dict[_K, _V], most: int) -> None:
    """Drop the oldest entry of a table that has grown over its limit."""
    if len(table) > most:
        del table[next(iter(table))]
