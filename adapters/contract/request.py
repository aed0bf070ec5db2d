"""A request: immutable, validated and built once per call of the router. Standard library only."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol, Unpack

from adapters.contract.credentials import (
    account_of,
    headers_by_provider,
    is_of_an_account,
    keys_by_provider,
    models_by_provider,
)
from adapters.contract.frozen import quickly_made
from adapters.contract.message import EMPTY, Message, cut_name, json_copy, parsed
from adapters.contract.options import checked_options, demands_of
from adapters.contract.traits import Traits, text_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from adapters.contract.chat_options import ChatOptions
    from adapters.contract.delta import Delta
    from adapters.contract.errors import AdapterError
    from adapters.contract.message import HasMessage
    from adapters.contract.secret import Secret


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
        begun: Whether `begin` met content, and was asked for what stands behind it.
        guarded: Whether the adapter limits each of its waits by `clock`, and leaves it by `interrupt`. The
            router then enters no scope of its own around a step.
        clock: The router's; None while its own scope stands around all that the adapter does.
        interrupt: Makes a wait of the adapter that guards them end at once, with an error; called from
            another task.
        request_id: The provider's own id of the request, where it gave one.
        rate_limits: What the provider said about its rate limits: header -> value.
        key: Which of several keys was used, such as `#2`; never the key itself.
    """

    __slots__ = ("begun", "clock", "guarded", "interrupt", "key", "rate_limits", "ready", "request_id")

    def __init__(self) -> None:
        self.ready: deque[Delta] = deque()
        self.begun = False
        self.guarded = False
        self.clock: Clock | None = None
        self.interrupt: Callable[[], None] = _nothing
        self.request_id: str | None = None
        self.key: str | None = None
        self.rate_limits: Mapping[str, str] = EMPTY

    def hand_over(self, deltas: Iterable[Delta]) -> Iterator[Delta]:
        """Yield what is left of `deltas` whenever the adapter is asked for the next one."""
        ready = self.ready
        ready.extend(deltas)
        while ready:
            yield ready.popleft()

    def begin(self, deltas: Iterator[Delta]) -> Iterator[Delta]:
        """Yield the deltas up to the first content singly, and hand over the others.

        What stands behind the first content is taken, and so made, once the next delta is asked for.
        """
        for delta in deltas:
            yield delta
            if delta.has_content:
                self.begun = True
                break
        yield from self.hand_over(deltas)


def _nothing() -> None:
    """Interrupt no wait."""


@quickly_made
@dataclass(frozen=True, slots=True)
class Conditions:
    """What the router tells the adapter about one attempt.

    Attributes:
        others_left: Another provider stands ready, so waiting for a free connection is not worth it.
        fresh_connection: Use no kept-alive connection: the last one was lost on reuse.
        on_leftover: Called with the error of a clean-up that failed, which is reported and never raised.
        flow: Where the adapter tells which deltas come without waiting.
        has_slot: The caller counts the requests to this provider, as the router does.
        model: The model asked for, by the service's name.
        headers: Further headers of this request, names in lower case.
        api_key: The key of this request, in place of the configured ones.
        key_repeats: How often the request was repeated at this provider because another key may serve.
    """

    others_left: bool = False
    fresh_connection: bool = False
    on_leftover: Callable[[AdapterError], None] = lambda error: None
    flow: Flow = field(default_factory=Flow)
    has_slot: bool = False
    model: str | None = None
    headers: Mapping[str, str | Secret] = field(default_factory=lambda: EMPTY, repr=False)
    api_key: Secret | None = None
    key_repeats: int = 0

    @property
    def brings_credentials(self) -> bool:
        """Whether the request has headers or a key of its own for this provider."""
        return self.api_key is not None or bool(self.headers)

    @property
    def own_account(self) -> bool:
        """Whether it runs on an account of the request's own: what fails there says nothing about others."""
        return self.brings_credentials and (self.api_key is not None or is_of_an_account(self.headers))


@quickly_made
@dataclass(frozen=True, slots=True, repr=False)
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
        headers: Provider name -> further headers for its requests.
        api_key: Provider name -> the key to use there in place of the configured one.
        models: Provider name -> the model to ask for there, in place of `model`.
    """

    messages: tuple[Message, ...]
    model: str | None = None
    options: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    extra: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: EMPTY)
    demands: frozenset[str] = frozenset()
    validation: object | None = field(default=None, compare=False, repr=False)
    conditions: Conditions = field(default_factory=Conditions, compare=False, repr=False)
    headers: Mapping[str, Mapping[str, str | Secret]] = field(default_factory=lambda: EMPTY, repr=False)
    api_key: Mapping[str, Secret] = field(default_factory=lambda: EMPTY, repr=False)
    models: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    _traits: list[Traits] = field(default_factory=list, compare=False, repr=False)
    _text_bytes: list[int] = field(default_factory=list, compare=False, repr=False)
    _encoded: dict[str, tuple[tuple[Message, ...], bytes]] = field(
        default_factory=dict, compare=False, repr=False
    )

    @classmethod
    def build(
        cls,
        messages: Sequence[Message | Mapping[str, Any] | HasMessage],
        model: str | None = None,
        extra: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        require: Collection[str] = (),
        headers: Mapping[str, Mapping[str, str | Secret]] | None = None,
        api_key: Mapping[str, str | Secret] | None = None,
        models: Mapping[str, str] | None = None,
        **options: Unpack[ChatOptions],
    ) -> ChatRequest:
        """Validate what a caller gave, and copy it.

        Args:
            messages: Mappings with role and content, `Message` objects, or replies; at least one.
            model: The model's name, or None.
            extra: Provider name -> mapping of further body fields for that provider.
            require: Names of given options that a provider must take to be asked.
            headers: Provider name -> further headers for its requests. Their values are masked as those of
                the settings are.
            api_key: Provider name -> the key to use there, such as that of a tenant.
            models: Provider name -> the model to ask for there.
            options: Generation options (temperature, max_tokens, …); None means not given.

        Raises:
            TypeError: An option is unknown (the nearest name is shown), of a wrong type or out of its range.
            ValueError: There is no message, one has an unknown role or no content, or a message or a tool has
                a wrong shape; HTTP does not carry a header or key.
        """
        steps = cls.build_in_steps(messages, model, extra, None, require, headers, api_key, models, **options)
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
        conditions: Conditions | None = None,
        /,
        require: Collection[str] = (),
        headers: Mapping[str, Mapping[str, str | Secret]] | None = None,
        api_key: Mapping[str, str | Secret] | None = None,
        models: Mapping[str, str] | None = None,
        **options: Unpack[ChatOptions],
    ) -> Generator[None, None, ChatRequest]:
        """Do as `build` does, in steps of a few milliseconds, so that others run between them.

        Args:
            messages: As of `build`, like all that is not told here.
            model: As of `build`.
            extra: As of `build`.
            conditions: To begin with; None: new ones. Those that came of no attempt may stand in for the
                conditions of many requests, where each is asked only `under` others.
            require: As of `build`.
            headers: As of `build`.
            api_key: As of `build`.
            models: As of `build`.
            options: As of `build`.

        Yields:
            Nothing, after each step but the last.

        Returns:
            The request.
        """
        if type(messages) is not list and (  # nearly all are
            isinstance(messages, str | bytes | Mapping) or not isinstance(messages, Sequence)
        ):
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
        given = tuple(messages)  # what is added meanwhile is of the next request
        copied = parsed(given[:_STEP])
        for start in range(_STEP, len(given), _STEP):
            yield
            copied += parsed(given[start : start + _STEP], start)
        checked = checked_options(options)
        return cls(
            tuple(copied),
            model,
            checked,
            EMPTY if extra is None else _extra(extra),
            demands_of(checked, require),
            None,
            Conditions() if conditions is None else conditions,
            EMPTY if headers is None else headers_by_provider(headers),
            EMPTY if api_key is None else keys_by_provider(api_key),
            EMPTY if models is None else models_by_provider(models),
        )

    def under(self, conditions: Conditions, provider: str | None = None) -> ChatRequest:
        """Return the same request for an attempt under `conditions`.

        Args:
            conditions: Of the attempt.
            provider: Who is asked: the headers and the key for it join the conditions.
        """
        if provider in self.headers or provider in self.api_key:
            assert provider is not None
            own = self.headers.get(provider, EMPTY)
            conditions = replace(conditions, headers=own, api_key=self.api_key.get(provider))
        return ChatRequest(  # by hand, in a third of the time of `replace`
            self.messages, self.model, self.options, self.extra, self.demands, self.validation, conditions,
            self.headers, self.api_key, self.models, self._traits, self._text_bytes, self._encoded,
        )  # fmt: skip

    def has_own_account(self, provider: str) -> bool:
        """Whether it brings an account of its own for a provider."""
        if not (self.api_key or self.headers):
            return False
        return provider in self.api_key or is_of_an_account(self.headers.get(provider, EMPTY))

    def account_at(self, provider: str) -> bytes | None:
        """Return a digest of the account that it brings along for a provider; None: the configured one."""
        if not (self.api_key or self.headers):
            return None
        return account_of(self.api_key.get(provider), self.headers.get(provider, EMPTY))

    def named_providers(self) -> dict[str, tuple[str, ...]]:
        """Return the providers that it brings something along for: argument -> names."""
        if not (self.extra or self.headers or self.api_key or self.models):
            return {}
        given = {"extra": self.extra, "headers": self.headers, "api_key": self.api_key, "models": self.models}
        return {argument: tuple(by_name) for argument, by_name in given.items() if by_name}

    def carried_on(self, partial: str) -> ChatRequest:
        """Return a request that asks to go on from the partial answer of somebody else."""
        shown = Message("assistant", partial)
        ask = Message("user", "Go on exactly where this answer breaks off. Repeat nothing of it.")
        return self.with_messages((*self.messages, shown, ask))

    def with_messages(self, messages: tuple[Message, ...]) -> ChatRequest:
        """Return the request with other messages."""
        return replace(self, messages=messages, _traits=[], _text_bytes=[])

    def encoded(self, protocol: str) -> bytes | None:
        """Return the messages as `keep_encoded` got them in an attempt before, or None.

        Args:
            protocol: Whose form it is; providers that share it share the bytes.
        """
        messages, data = self._encoded.get(protocol, ((), b""))
        return data if messages is self.messages else None

    def keep_encoded(self, protocol: str, data: bytes) -> None:
        """Keep the encoded messages for the next attempt, so that failing over does not encode them again."""
        self._encoded[protocol] = self.messages, data

    def forget_encoded(self) -> None:
        """Let go of the encoded messages: a provider has committed."""
        self._encoded.clear()

    def options_for(self, allowed: Collection[str]) -> dict[str, Any]:
        """Return the options that a provider takes, as a new dict."""
        if not self.options:
            return {}
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
