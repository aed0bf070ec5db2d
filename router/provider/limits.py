"""What this side lets one provider be asked: requests and tokens in a minute, requests in a day.

A limit is no evidence about the provider. An attempt is admitted before it is sent, in the order in which
requests came; it takes a request, and the tokens that it may need by the length of its texts. What the
service counted corrects that, and an attempt of which nothing was sent gives everything back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import anyio

from adapters.contract.errors import Busy, ConnectFailed, LocalFailure, Unreachable
from router.policy.limits import DayBucket, WindowBucket
from router.provider.record import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.contract import Adapter, ChatRequest, Usage
    from adapters.contract.errors import AdapterError
    from router.policy.limits import Bucket

CHARACTERS: Final = 4.0
"""Characters of a token, until the provider has counted some: OpenAI's rule of thumb for English."""
OF_MESSAGE: Final = 4
"""Tokens that a message costs beside its text."""
REPLY: Final = 256.0
"""Tokens of a reply, until the provider has counted some."""
NEWEST: Final = 0.2
"""The weight of the newest count in what is learned."""
_NOTHING_SENT: Final = (Busy, ConnectFailed, LocalFailure, Unreachable)
_AGAIN: Final = 1.0
"""Seconds after which a wait looks again: another process may have given something back."""
_ONE_MORE: Final = 0.001
"""Seconds that a wait is longer than it has to be: a clock may round, and too early is a wait for nothing."""


@dataclass(slots=True, eq=False, repr=False)
class Admission:
    """What one attempt has taken.

    Attributes:
        at: When, on the event loop's clock.
        tokens: That it was estimated to need.
        characters: Of the messages.
        messages: How many.
        open: Whether it may still be given back or corrected.
    """

    at: float
    tokens: float
    characters: int = 0
    messages: int = 0
    open: bool = True


class Limits:
    """The limits of one provider, and the queue before them.

    Args:
        requests: In a minute, or None.
        tokens: In a minute, or None.
        daily: Requests in a day, or None.
    """

    __slots__ = ("_freed", "_lock", "_named", "_per_token", "_queued", "_reply", "_requests", "_tokens")

    def __init__(self, requests: Bucket | None, tokens: Bucket | None, daily: Bucket | None) -> None:
        self._requests = requests
        self._tokens = tokens
        named = {"requests_per_minute": requests, "tokens_per_minute": tokens, "daily_requests": daily}
        self._named = {name: bucket for name, bucket in named.items() if bucket is not None}
        self._queued: list[float] = []  # tokens of those who wait, in order
        self._lock: anyio.Lock | None = None
        self._freed: anyio.Event | None = None  # that the first of them waits for
        self._per_token = CHARACTERS
        self._reply = REPLY

    @classmethod
    def of(cls, adapter: Adapter, utc: Callable[[], float]) -> Limits | None:
        """Return the limits that an adapter asks for, or None where it asks for none.

        Args:
            adapter: Whose attributes say.
            utc: Returns the time of day in seconds UTC since 1970.
        """
        requests, tokens, daily = (
            adapter.requests_per_minute,
            adapter.tokens_per_minute,
            adapter.daily_requests,
        )
        if requests is None and tokens is None and daily is None:
            return None
        return cls(
            None if requests is None else WindowBucket(requests),
            None if tokens is None else WindowBucket(tokens),
            None if daily is None else DayBucket(daily, utc),
        )

    # -- questions

    def refusal(self, request: ChatRequest | None, now: float) -> Refusal | None:
        """Return why `request` would not be sent now, or None; those who wait already go first.

        Args:
            request: To be sent; None for any.
            now: On the event loop's clock.
        """
        tokens = self.estimate(request)
        name, wait = self._longest(tokens + sum(self._queued), now, 1 + len(self._queued))
        if wait <= 0:
            return None
        limit = self._named[name].limit
        text = f"at its limit of {limit:g} ({name}), which this side keeps; room in {wait:.1f} s"
        return Refusal(text, wait, limited=True)

    def estimate(self, request: ChatRequest | None) -> float:
        """Return the tokens that a request may need: of its messages, and of the reply."""
        if self._tokens is None or request is None:
            return 1.0
        asked = request.options.get("max_completion_tokens") or request.options.get("max_tokens")
        reply = min(self._reply, asked) if isinstance(asked, int | float) else self._reply
        count = len(request.messages)
        return request.characters / self._per_token + OF_MESSAGE * count + reply

    def figures(self, now: float) -> dict[str, tuple[float, float]]:
        """Return for each limit what is used of it, and the limit itself."""
        return {name: (bucket.used(now), bucket.limit) for name, bucket in self._named.items()}

    def _longest(self, tokens: float, now: float, requests: int = 1) -> tuple[str, float]:
        waits = {
            name: bucket.wait(tokens if bucket is self._tokens else requests, now)
            for name, bucket in self._named.items()
        }
        return max(waits.items(), key=lambda each: each[1])

    # -- admission

    def admit(self, request: ChatRequest | None, now: float) -> Admission | None:
        """Take what a request needs, where there is room and nobody waits; else return None."""
        tokens = self.estimate(request)
        if self._queued or self._longest(tokens, now)[1] > 0:
            return None
        return self._take(request, tokens, now)

    async def wait(self, request: ChatRequest, until: float, clock: Callable[[], float]) -> Admission | None:
        """Wait in line until there is room, and take it; None where there is none in time.

        Args:
            request: To be sent.
            until: When to give up, on the event loop's clock.
            clock: Returns the time on it.
        """
        tokens = self.estimate(request)
        self._queued.append(tokens)
        self._lock = self._lock or anyio.Lock()
        try:
            with anyio.CancelScope(deadline=until):
                async with self._lock:
                    while (wait := self._longest(tokens, clock())[1]) > 0:
                        self._freed = anyio.Event()
                        with anyio.move_on_after(min(wait, _AGAIN) + _ONE_MORE):
                            await self._freed.wait()
                    return self._take(request, tokens, clock())
        finally:
            self._queued.remove(tokens)
        return None

    def _take(self, request: ChatRequest | None, tokens: float, now: float) -> Admission:
        if self._tokens is not None:
            tokens = min(tokens, self._tokens.limit)
        for bucket in self._named.values():
            bucket.take(tokens if bucket is self._tokens else 1.0, now)
        if request is None:
            return Admission(now, tokens)
        return Admission(now, tokens, request.characters, len(request.messages))

    # -- afterwards

    def give_back(self, admission: Admission, now: float) -> None:
        """Give back what an attempt took that was not sent."""
        if admission.open:
            admission.open = False
            for bucket in self._named.values():
                bucket.correct(-admission.tokens if bucket is self._tokens else -1.0, admission.at, now)
            self._look_again()

    def failed(self, admission: Admission, error: AdapterError, now: float) -> None:
        """Give back what an attempt took, where its error says that nothing was sent."""
        if isinstance(error, _NOTHING_SENT):
            self.give_back(admission, now)

    def counted(self, admission: Admission, usage: Usage | None, now: float) -> None:
        """Correct the estimate by what the service counted, and learn from it."""
        if self._tokens is None or usage is None or not admission.open:
            return
        admission.open = False
        prompt, reply = usage.prompt_tokens, usage.completion_tokens
        total = usage.total_tokens
        if total is None and prompt is not None and reply is not None:
            total = prompt + reply
        if total is not None:
            self._tokens.correct(total - admission.tokens, admission.at, now)
            self._look_again()
        if admission.messages == 0:
            return  # a probe: it asks for less than requests do
        if reply is not None:
            self._reply += NEWEST * (reply - self._reply)
        text = 0 if prompt is None else prompt - OF_MESSAGE * admission.messages
        if text > 0 and admission.characters > 0:
            self._per_token += NEWEST * (max(0.5, admission.characters / text) - self._per_token)

    def share(self, shared: Callable[[str, Bucket], Bucket]) -> None:
        """Let other processes take from the same limits.

        Args:
            shared: Returns the bucket that all take from, for the name of a limit and the bucket of this one.
        """
        self._named = {name: shared(name, bucket) for name, bucket in self._named.items()}
        self._requests = self._named.get("requests_per_minute")
        self._tokens = self._named.get("tokens_per_minute")

    def take_over(self, former: Limits) -> None:
        """Go on with what was taken of the same limits of a provider before."""

        def same(name: str, own: Bucket) -> Bucket:
            before = former._named.get(name)
            if not isinstance(before, WindowBucket | DayBucket) or type(before) is not type(own):
                return own
            before.limit = own.limit
            return before

        self.share(same)

    def restore(self, requests: int) -> None:
        """Count requests of today that another router made."""
        daily = self._named.get("daily_requests")
        if daily is not None and requests:
            daily.restore(float(requests))

    def _look_again(self) -> None:
        """Let the first of those who wait see whether there is room now."""
        if self._freed is not None:
            self._freed.set()

    def __repr__(self) -> str:
        shown = ", ".join(f"{name} {bucket!r}" for name, bucket in self._named.items())
        return f"<Limits {shown}, {len(self._queued)} wait>"
