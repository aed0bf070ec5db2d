"""A request: immutable, validated and built once per call of the router. Standard library only."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol, Unpack

from adapters.contract.message import EMPTY, Message, cut_name, json_copy
from adapters.contract.options import checked_options, demands_of
from adapters.contract.rewriting import rewritten
from adapters.contract.traits import Traits, text_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from adapters.contract.capabilities import Capabilities
    from adapters.contract.delta import Delta
    from adapters.contract.errors import AdapterError
    from adapters.contract.message import HasMessage
    from adapters.contract.options import ChatOptions


_STEP: Final = 500
"""Messages that are copied and checked in one step."""


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
        has_slot: The caller counts the requests to this provider, as the router does.
    """

    others_left: bool = False
    fresh_connection: bool = False
    on_leftover: Callable[[AdapterError], None] = lambda error: None
    flow: Flow = field(default_factory=Flow)
    has_slot: bool = False


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
    _traits: list[Traits] = field(default_factory=list, compare=False, repr=False)
    _text_bytes: list[int] = field(default_factory=list, compare=False, repr=False)

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
        steps = cls.build_in_steps(messages, model, extra, require=require, **options)
        while True:
            try:
                next(steps)
            except StopIteration as done:
                built: ChatRequest = done.value
                return built

    @classmethod
    def build_in_steps(
        cls,
        messages: Sequence[Message | Mapping[str, Any] | HasMessage],
        model: str | None = None,
        extra: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        require: Collection[str] = (),
        **options: Unpack[ChatOptions],
    ) -> Generator[None, None, ChatRequest]:
        """Do as `build` does, in steps of a few milliseconds, so that others run between them.

        Yields:
            Nothing, after each step but the last.

        Returns:
            The request.
        """
        if isinstance(messages, str | bytes | Mapping) or not isinstance(messages, Sequence):
            raise TypeError(
                f"messages is {type(messages).__name__}; pass a list of mappings, "
                "for example [{'role': 'user', 'content': 'Hello'}]"
            )
        if not messages:
            raise ValueError("messages is empty; pass at least one message")
        if model is not None and (not isinstance(model, str) or not model.strip()):
            shown = cut_name(model) if isinstance(model, str) else model
            raise TypeError(f"model is {shown!r}; pass the model's name, or None for each provider's default")
        if model is not None:
            model = json_copy(model, "model")
        parsed: list[Message] = []
        for number, message in enumerate(tuple(messages)):  # what is added meanwhile is of the next request
            if number and number % _STEP == 0:
                yield
            parsed.append(Message.parse(message, f"messages[{number}]"))
        checked = checked_options(options)
        return cls(tuple(parsed), model, checked, _extra(extra), demands_of(checked, require))

    def under(self, conditions: Conditions) -> ChatRequest:
        """Return the same request for an attempt under `conditions`."""
        return replace(self, conditions=conditions)

    def carried_on(self, partial: str) -> ChatRequest:
        """Return a request that asks to go on from the partial answer of somebody else."""
        shown = Message("assistant", partial)
        ask = Message("user", "Go on exactly where this answer breaks off. Repeat nothing of it.")
        return replace(self, messages=(*self.messages, shown, ask), _traits=[], _text_bytes=[])

    def rewritten_for(self, able: Capabilities) -> tuple[ChatRequest, tuple[str, ...]]:
        """Return the request as a provider takes it, and in a few words what was changed for that.

        Args:
            able: What the provider takes, for the model that is asked for.
        """
        messages, told = rewritten(self.messages, able, self.traits)
        return (replace(self, messages=messages, _traits=[], _text_bytes=[]) if told else self), told

    def options_for(self, allowed: Collection[str]) -> dict[str, Any]:
        """Return the options that a provider takes, as a new dict."""
        return {name: value for name, value in self.options.items() if name in allowed}

    @property
    def characters(self) -> int:
        """The length of all texts together."""
        return self.traits.characters

    @property
    def traits(self) -> Traits:
        """What the messages need of a provider."""
        if not self._traits:
            self._traits.append(Traits.of(self.messages))
        return self._traits[0]

    @property
    def text_bytes(self) -> int:
        """Bytes of UTF-8 of all texts, tool calls and definitions of tools, by which tokens are estimated."""
        if not self._text_bytes:
            self._text_bytes.append(text_bytes(self.messages, self.options.get("tools")))
        return self._text_bytes[0]

    def __repr__(self) -> str:
        # Prompts are private: a repr ends up in logs and tracebacks.
        model = self.model and cut_name(self.model)
        return f"<ChatRequest {len(self.messages)} messages, {self.characters} characters, model={model!r}>"


def _extra(given: Mapping[str, Mapping[str, Any]] | None) -> Mapping[str, Mapping[str, Any]]:
    if not given:
        return EMPTY
    if not isinstance(given, Mapping) or not all(isinstance(fields, Mapping) for fields in given.values()):
        raise TypeError("extra must be a mapping of provider names to mappings of body fields")
    copied = json_copy(given, "extra")
    return MappingProxyType({name: MappingProxyType(fields) for name, fields in copied.items()})
