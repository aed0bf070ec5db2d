"""A request: immutable, validated and built once per call of the router. Standard library only."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from adapters.contract.message import EMPTY, Message, cut_name, json_copy, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adapters.contract.delta import Delta
    from adapters.contract.errors import AdapterError


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_positive_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_stop(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, Sequence) and all(isinstance(s, str) for s in value))


def _is_list_of_mappings(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, Mapping) for item in value)


_OPTIONS: Final[Mapping[str, tuple[str, Callable[[Any], bool]]]] = MappingProxyType({
    "frequency_penalty": ("a finite number", _is_number),
    "logit_bias": ("a mapping", lambda value: isinstance(value, Mapping)),
    "max_tokens": ("a positive whole number", _is_positive_int),
    "parallel_tool_calls": ("True or False", lambda value: isinstance(value, bool)),
    "presence_penalty": ("a finite number", _is_number),
    "reasoning_effort": ("text", lambda value: isinstance(value, str)),
    "repetition_penalty": ("a finite number", _is_number),
    "response_format": ("a mapping", lambda value: isinstance(value, Mapping)),
    "seed": ("a whole number", _is_int),
    "stop": ("text or a list of texts", _is_stop),
    "temperature": ("a finite number", _is_number),
    "tool_choice": ("text or a mapping", lambda value: isinstance(value, str | Mapping)),
    "tools": ("a list of mappings", _is_list_of_mappings),
    "top_k": ("a positive whole number", _is_positive_int),
    "top_p": ("a finite number", _is_number),
    "typical_p": ("a finite number", _is_number),
    "user": ("text", lambda value: isinstance(value, str)),
})  # fmt: skip
_STEP: Final = 500
"""Messages that are copied and checked in one step."""
OPTIONS: Final = frozenset(_OPTIONS)
"""The names of the generation options that a request can carry."""


class Flow:
    """Tells the router which deltas come without waiting, so that it needs no clock for them.

    An adapter that reads several deltas at once yields them by `for delta in flow.hand_over(deltas)`.
    One that does not loses a few microseconds a delta, nothing else.

    Attributes:
        at_hand: How many further deltas the adapter yields without any wait.
    """

    __slots__ = ("at_hand",)

    def __init__(self) -> None:
        self.at_hand = 0

    def hand_over(self, deltas: Sequence[Delta]) -> Iterator[Delta]:
        """Yield `deltas`, keeping count of those that are left."""
        left = len(deltas)
        for delta in deltas:
            left -= 1
            self.at_hand = left
            yield delta


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
class Traits:
    """What messages need of a provider, found out once: a history may have thousands of them.

    Attributes:
        has_system: Whether a system or developer message is among them.
        turns: How many others there are.
        has_tools: Whether they hold calls of tools, or results.
        has_images: Whether a part of them is more than words.
        characters: The length of all texts together.
    """

    has_system: bool
    turns: int
    has_tools: bool
    has_images: bool
    characters: int

    @classmethod
    def of(cls, messages: Sequence[Message]) -> Traits:
        """Return the traits of `messages`."""
        system = sum(m.role in ("system", "developer") for m in messages)
        tools = any(m.role in ("tool", "function") or m.extra.get("tool_calls") for m in messages)
        images = any(m.has_images for m in messages)
        return cls(system > 0, len(messages) - system, tools, images, sum(len(m.text) for m in messages))


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One immutable request; built once per call of the router.

    Attributes:
        messages: The dialogue, oldest first, never empty.
        model: The model's name, or None for the default of each provider.
        options: Generation options, of the names in `OPTIONS`; None values are left out.
        extra: Provider name -> further fields for its request body, sent as they are.
        conditions: Of the attempt; filled in by the router.
    """

    messages: tuple[Message, ...]
    model: str | None = None
    options: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    extra: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: EMPTY)
    conditions: Conditions = field(default_factory=Conditions, compare=False, repr=False)
    _traits: list[Traits] = field(default_factory=list, compare=False, repr=False)

    @classmethod
    def build(
        cls,
        messages: Sequence[Message | Mapping[str, Any]],
        model: str | None = None,
        extra: Mapping[str, Mapping[str, Any]] | None = None,
        **options: Any,
    ) -> ChatRequest:
        """Validate what a caller gave, and copy it.

        Args:
            messages: Mappings with role and content, or `Message` objects; at least one.
            model: The model's name, or None.
            extra: Provider name -> mapping of further body fields for that provider.
            options: Generation options (temperature, max_tokens, …); None means not given.

        Raises:
            TypeError: An option is unknown (the nearest name is shown) or of a wrong type.
            ValueError: There is no message, or one has an unknown role or no content.
        """
        steps = cls.build_in_steps(messages, model, extra, **options)
        while True:
            try:
                next(steps)
            except StopIteration as done:
                built: ChatRequest = done.value
                return built

    @classmethod
    def build_in_steps(
        cls,
        messages: Sequence[Message | Mapping[str, Any]],
        model: str | None = None,
        extra: Mapping[str, Mapping[str, Any]] | None = None,
        **options: Any,
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
        parsed: list[Message] = []
        for number, message in enumerate(tuple(messages)):  # what is added meanwhile is of the next request
            if number and number % _STEP == 0:
                yield
            parsed.append(Message.parse(message, f"messages[{number}]"))
        return cls(tuple(parsed), model, _options(options), _extra(extra))

    def under(self, conditions: Conditions) -> ChatRequest:
        """Return the same request for an attempt under `conditions`."""
        return replace(self, conditions=conditions)

    def carried_on(self, partial: str) -> ChatRequest:
        """Return a request that asks to go on from the partial answer of somebody else."""
        shown = Message("assistant", partial)
        ask = Message("user", "Go on exactly where this answer breaks off. Repeat nothing of it.")
        return replace(self, messages=(*self.messages, shown, ask), _traits=[])

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

    def __repr__(self) -> str:
        # Prompts are private: a repr ends up in logs and tracebacks.
        model = self.model and cut_name(self.model)
        return f"<ChatRequest {len(self.messages)} messages, {self.characters} characters, model={model!r}>"


def _options(given: Mapping[str, Any]) -> Mapping[str, Any]:
    options: dict[str, Any] = {}
    for name, value in given.items():
        if name not in OPTIONS:
            raise TypeError(
                f"unknown option {name!r}{nearest(name, OPTIONS) or '.'} "
                f"Known are {', '.join(sorted(OPTIONS))}; "
                "what only one provider takes goes into extra={'provider name': {...}}"
            )
        if value is None:
            continue
        wanted, right = _OPTIONS[name]
        if not right(value):
            shown = repr(value) if isinstance(value, int | float) else f"of type {type(value).__name__}"
            raise TypeError(f"option {name!r} is {shown}; it must be {wanted}")
        options[name] = json_copy(value, f"option {name!r}")
    return MappingProxyType(options)


def _extra(given: Mapping[str, Mapping[str, Any]] | None) -> Mapping[str, Mapping[str, Any]]:
    if not given:
        return EMPTY
    if not isinstance(given, Mapping) or not all(isinstance(fields, Mapping) for fields in given.values()):
        raise TypeError("extra must be a mapping of provider names to mappings of body fields")
    copied = json_copy(given, "extra")
    return MappingProxyType({name: MappingProxyType(fields) for name, fields in copied.items()})
