"""A request: immutable, validated and built once per call of the router. Standard library only."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, Unpack

from adapters.contract.message import EMPTY, Message, json_copy
from adapters.contract.options import checked_options, demands_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from adapters.contract.delta import Delta
    from adapters.contract.errors import AdapterError
    from adapters.contract.message import HasMessage
    from adapters.contract.options import ChatOptions


class Clock(Protocol):
    """Limits the waits for the provider, for an adapter that guards them itself (`Flow.guarded`)."""

    def begin(self) -> float:
        """Return the time, on the event loop's clock, until which a wait that begins now may last."""
        ...

    def end(self) -> None:
        """Take note that the wait is over."""
        ...

    def expired(self) -> AdapterError:
        """Return the error of a wait that lasted until its limit."""
        ...


class Flow:
    """What an adapter tells the router beside the deltas, and what the router tells about waiting for them.

    An adapter that reads several deltas at once yields them by `for delta in flow.hand_over(deltas)`.
    One that does not loses a few microseconds a delta, nothing else.

    Attributes:
        ready: What was handed over and not taken yet. The router takes it from here, without a step of the
            adapter for each delta.
        guarded: Whether the adapter limits each of its waits by `clock`, and leaves it by `interrupt`. The
            router then enters no scope of its own around a step.
        clock: The router's; None while its own scope stands around all that the adapter does.
        interrupt: Makes a wait of the adapter that guards them end at once, with an error; called from
            another task.
        request_id: The provider's own id of the request, where it gave one.
        rate_limits: What the provider said about its rate limits: header -> value.
    """

    __slots__ = ("clock", "guarded", "interrupt", "rate_limits", "ready", "request_id")

    def __init__(self) -> None:
        self.ready: deque[Delta] = deque()
        self.guarded = False
        self.clock: Clock | None = None
        self.interrupt: Callable[[], None] = _nothing
        self.request_id: str | None = None
        self.rate_limits: Mapping[str, str] = EMPTY

    def hand_over(self, deltas: Iterable[Delta]) -> Iterator[Delta]:
        """Yield what is left of `deltas` whenever the adapter is asked for the next one."""
        ready = self.ready
        ready.extend(deltas)
        while ready:
            yield ready.popleft()


def _nothing() -> None:
    """Interrupt no wait."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the router tells the adapter about one attempt.

    Attributes:
        others_left: Another provider stands ready, so waiting for a free connection is not worth it.
        fresh_connection: Use no kept-alive connection: the last one was lost on reuse.
        on_leftover: Called with the error of a clean-up that failed, which is reported and never raised.
        flow: Where the adapter tells which deltas come without waiting.
    """

    others_left: bool = False
    fresh_connection: bool = False
    on_leftover: Callable[[AdapterError], None] = lambda error: None
    flow: Flow = field(default_factory=Flow)


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One immutable request; built once per call of the router.

    Attributes:
        messages: The dialogue, oldest first, never empty.
        model: The model's name, or None for the default of each provider.
        options: Generation options, of the names in `OPTIONS`; None values are left out.
        extra: Provider name -> further fields for its request body, sent as they are.
        demands: The options that a provider must take to be asked.
        validation: What the router checks the whole reply against; adapters leave it alone.
        conditions: Of the attempt; filled in by the router.
    """

    messages: tuple[Message, ...]
    model: str | None = None
    options: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    extra: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: EMPTY)
    demands: frozenset[str] = frozenset()
    validation: object | None = field(default=None, compare=False, repr=False)
    conditions: Conditions = field(default_factory=Conditions, compare=False, repr=False)

    @classmethod
    def build(
        cls,
        messages: Sequence[Message | Mapping[str, Any] | HasMessage],
        model: str | None = None,
        extra: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        require: Collection[str] = (),
        **options: Unpack[ChatOptions],
    ) -> ChatRequest:
        """Validate what a caller gave, and copy it.

        Args:
            messages: Mappings with role and content, `Message` objects, or replies; at least one.
            model: The model's name, or None.
            extra: Provider name -> mapping of further body fields for that provider.
            require: Names of given options that a provider must take to be asked.
            options: Generation options (temperature, max_tokens, …); None means not given.

        Raises:
            TypeError: An option is unknown (the nearest name is shown), of a wrong type or out of its range.
            ValueError: There is no message, one has an unknown role or no content, or a message or a tool has
                a wrong shape.
        """
        if isinstance(messages, str | bytes | Mapping) or not isinstance(messages, Sequence):
            raise TypeError(
                f"messages is {type(messages).__name__}; pass a list of mappings, "
                "for example [{'role': 'user', 'content': 'Hello'}]"
            )
        if not messages:
            raise ValueError("messages is empty; pass at least one message")
        if model is not None and (not isinstance(model, str) or not model.strip()):
            raise TypeError(f"model is {model!r}; pass the model's name, or None for each provider's default")
        if model is not None:
            model = json_copy(model, "model")
        parsed = tuple(Message.parse(m, f"messages[{n}]") for n, m in enumerate(messages))
        checked = checked_options(options)
        return cls(parsed, model, checked, _extra(extra), demands_of(checked, require))

    def under(self, conditions: Conditions) -> ChatRequest:
        """Return the same request for an attempt under `conditions`."""
        return replace(self, conditions=conditions)

    def carried_on(self, partial: str) -> ChatRequest:
        """Return a request that asks to go on from the partial answer of somebody else."""
        shown = Message("assistant", partial)
        ask = Message("user", "Go on exactly where this answer breaks off. Repeat nothing of it.")
        return replace(self, messages=(*self.messages, shown, ask))

    def options_for(self, allowed: Collection[str]) -> dict[str, Any]:
        """Return the options that a provider takes, as a new dict."""
        return {name: value for name, value in self.options.items() if name in allowed}

    @property
    def characters(self) -> int:
        """The length of all texts together."""
        return sum(len(message.text) for message in self.messages)

    def __repr__(self) -> str:
        # Prompts are private: a repr ends up in logs and tracebacks.
        return (
            f"<ChatRequest {len(self.messages)} messages, {self.characters} characters, model={self.model!r}>"
        )


def _extra(given: Mapping[str, Mapping[str, Any]] | None) -> Mapping[str, Mapping[str, Any]]:
    if not given:
        return EMPTY
    if not isinstance(given, Mapping) or not all(isinstance(fields, Mapping) for fields in given.values()):
        raise TypeError("extra must be a mapping of provider names to mappings of body fields")
    copied = json_copy(given, "extra")
    return MappingProxyType({name: MappingProxyType(fields) for name, fields in copied.items()})
