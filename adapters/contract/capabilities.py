"""What a provider can take, and why it cannot take a request. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from adapters.contract.message import EMPTY, ROLES, cut_name, nearest

if TYPE_CHECKING:
    from adapters.contract.request import ChatRequest


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can take. The router skips one that cannot take a request, and the ledger says why.

    Defaults of what may differ between services mean "taken, or not known": nothing is refused by them.

    Attributes:
        models: The models that it serves, or None for any.
        system_messages: Whether it takes system messages (folding them into a prompt counts as taking).
        history: Whether it takes earlier turns.
        tools: Whether it takes tool definitions, calls and results.
        images: Whether it takes parts that are not text.
        context_size: The most characters of all messages together, or None where there is no known limit.
        needs_auth: Whether it needs a key or cookie to answer at all.
        options: The options that it takes. Others are dropped for it and named in its attempt, but
            where one is a demand of the request, the provider is skipped.
        context_tokens: The most tokens of a request, or None where it is not known. The router estimates the
            tokens of a request by its characters.
        audio: Whether it takes parts with sound; None: as `images` says.
        image_urls: Whether it takes images by their address, not only as data. Nothing is ever fetched to
            turn the one into the other.
        json_schema: Whether it takes a `response_format` of type `json_schema`; `json_object` is one of the
            `options`.
        prefill: Whether it goes on from a last message of the assistant, the beginning of its answer.
        roles: The roles that it takes, or None for any. Where it lacks `developer` or `system`, the router
            sends the other one.
        many_system: Whether it takes more than one system message, and at any place. Where it does not, the
            router joins them into one at the beginning.
        role_names: A role -> the role that is sent for it, such as `developer` -> `system`.
        null_content: Whether it takes `null` as the content of a message that only calls tools. Where it does
            not, the router sends an empty text, or, with `"omit"`, leaves the field out.
        empty_content: Whether it takes an empty text there. Where it does not, the router sends `null`, or
            leaves the field out.
        cache_control: Whether it takes marks of what is to be cached, `cache_control`, on parts of messages,
            on tool calls and on their results.
        by_model: Model by the service's name -> fields that differ for it, such as
            `{"small": {"images": False, "context_tokens": 4096}}`.
        takes_as_given: Whether no message needs another form to be taken; follows from the others.
        takes_all_words: Whether it takes any messages that are nothing but words; follows from the others.

    Raises:
        TypeError: `by_model` has an unknown field, or `roles` or `by_model` has a wrong form.
        ValueError: A number is not positive, or a role is unknown.
    """

    models: frozenset[str] | None = None
    system_messages: bool = True
    history: bool = True
    tools: bool = False
    images: bool = False
    context_size: int | None = None
    needs_auth: bool = False
    options: frozenset[str] = frozenset()
    context_tokens: int | None = None
    audio: bool | None = None
    image_urls: bool = True
    json_schema: bool = True
    prefill: bool = True
    roles: frozenset[str] | None = None
    many_system: bool = True
    null_content: bool | Literal["omit"] = True
    empty_content: bool = True
    cache_control: bool = False
    role_names: Mapping[str, str] = field(default_factory=lambda: EMPTY, hash=False)
    by_model: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: EMPTY, hash=False)
    takes_as_given: bool = field(init=False, repr=False, compare=False)
    takes_all_words: bool = field(init=False, repr=False, compare=False)
    _of_models: Mapping[str, Capabilities] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("context_size", "context_tokens"):
            size = getattr(self, name)
            if size is not None and size <= 0:
                raise ValueError(f"{name} is {size}; it must be positive, or None where it is not known")
        if isinstance(self.roles, str):
            raise TypeError(f"roles is text; pass a set of names, for example {{{self.roles!r}}}")
        if self.null_content not in (True, False, "omit"):
            raise ValueError(f"null_content is {self.null_content!r}; it must be true, false or 'omit'")
        if not self.null_content and not self.empty_content:
            raise ValueError("null_content and empty_content are both false; one has to be taken, or 'omit'")
        for role in (*(self.roles or ()), *self.role_names, *self.role_names.values()):
            if role not in ROLES:
                raise ValueError(
                    f"roles has {role!r}; allowed are {', '.join(ROLES)}{nearest(str(role), ROLES)}"
                )
        of_models: dict[str, Capabilities] = {}
        for model, changes in self.by_model.items():
            if not isinstance(changes, Mapping):
                raise TypeError(f"by_model[{model!r}] is {type(changes).__name__}; pass a mapping of fields")
            for name in changes:
                if name not in _OF_A_MODEL:
                    raise TypeError(
                        f"by_model[{model!r}] has {name!r}; allowed are {', '.join(sorted(_OF_A_MODEL))}"
                        f"{nearest(str(name), _OF_A_MODEL)}"
                    )
            of_models[model] = replace(self, **{**changes, "by_model": EMPTY})  # which checks the values
        # Each request asks for what follows.
        plain = self.null_content is True and self.empty_content
        as_given = self.roles is None and self.many_system and plain and not self.role_names
        every_turn = self.system_messages and self.history and self.prefill
        # Other names of roles refuse nothing.
        all_words = every_turn and self.roles is None and self.context_size is None
        object.__setattr__(self, "takes_as_given", as_given)
        object.__setattr__(self, "takes_all_words", all_words)
        object.__setattr__(self, "_of_models", of_models)

    def of(self, model: str | None) -> Capabilities:
        """Return what holds for a model, by the service's name."""
        if model is None or not self._of_models:
            return self
        return self._of_models.get(model, self)

    def refuses(self, request: ChatRequest, model: str | None) -> str | None:
        """Return why the provider cannot take `request` for `model` (its own name), or None where it can.

        `context_tokens` is not looked at: tokens are the router's to estimate.
        """
        if model is not None and self.models is not None and model not in self.models:
            return f"does not serve the model {cut_name(model)!r}"
        own = self.of(model) if self._of_models else self
        if own.takes_all_words and _needs_words_only(request):
            return None
        return (
            _refuses_messages(own, request) or _refuses_demands(own, request) or _refuses_size(own, request)
        )

    def lacks(self, request: ChatRequest, model: str | None = None) -> tuple[str, ...]:
        """Return the demands of `request` that the provider cannot meet.

        Args:
            request: What is asked.
            model: The model, by the service's name; None: what holds for most of them.

        Returns:
            Sorted: `tools`, `images`, `image_urls`, `audio`, `json_schema`, names of options.
        """
        return _lacking(self.of(model), request)


_OF_A_MODEL: Final = frozenset(each.name for each in fields(Capabilities) if each.init) - {
    "models",
    "needs_auth",
    "by_model",
}
_INSTRUCTING: Final = frozenset({"system", "developer"})


def _wants_schema(request: ChatRequest) -> bool:
    wanted = request.options.get("response_format")
    return isinstance(wanted, Mapping) and wanted.get("type") == "json_schema"


def _refuses_messages(able: Capabilities, request: ChatRequest) -> str | None:
    traits = request.traits
    if not able.system_messages and traits.has_system:
        return "takes no system messages"
    if not able.history and traits.turns > 1:
        return "takes no earlier turns"
    if not able.prefill and traits.is_prefilled:
        return "does not go on from a last message of the assistant (prefill)"
    lacking: list[str] = []
    if able.roles is not None:
        sent = {able.role_names.get(role, role) for role in traits.roles}
        lacking = sorted(sent - able.roles - _renamed(able))
    if lacking:
        return f"takes no messages of the role {' or '.join(map(repr, lacking))}"
    return None


def _refuses_demands(able: Capabilities, request: ChatRequest) -> str | None:
    lacking = _lacking(able, request)
    if not lacking:
        return None
    if "tools" in lacking:
        return "takes no tools"
    if "images" in lacking:
        return "takes text only"
    if "image_urls" in lacking:
        return "takes images as data only, and one is given by its address, which is never fetched"
    if "audio" in lacking:
        return "takes no sound"
    if "json_schema" in lacking:
        return "takes no JSON schema as response_format, which the request demands"
    if lacking:
        return f"does not take {', '.join(lacking)}, which the request demands"
    return None


def _refuses_size(able: Capabilities, request: ChatRequest) -> str | None:
    characters = request.traits.characters
    if able.context_size is not None and characters > able.context_size:
        return f"takes at most {able.context_size} characters; the messages have {characters}"
    return None


def _renamed(able: Capabilities) -> frozenset[str]:
    """Roles that are sent under another name, since the provider takes only that."""
    taken = able.roles or frozenset()
    return _INSTRUCTING if _INSTRUCTING & taken else frozenset()


def _needs_words_only(request: ChatRequest) -> bool:
    """Whether it demands nothing of a provider, and its messages are nothing but words, as most are."""
    if request.demands or (request.options and "response_format" in request.options):
        return False
    traits = request.traits
    return not (traits.has_tools or traits.parts)


def _lacking(able: Capabilities, request: ChatRequest) -> tuple[str, ...]:
    if _needs_words_only(request):
        return ()
    traits = request.traits
    needs = set(request.demands)
    if traits.has_tools:
        needs.add("tools")
    if traits.has_images or (traits.has_audio and able.audio is None):
        needs.add("images")
    if traits.has_image_urls:
        needs.add("image_urls")
    if traits.has_audio and able.audio is not None:
        needs.add("audio")
    if _wants_schema(request):
        needs.add("json_schema")
    takes = able.options - {"tools"}
    held = {
        "tools": able.tools,
        "images": able.images,
        "image_urls": able.image_urls,
        "audio": bool(able.audio),
        "json_schema": able.json_schema and "response_format" in able.options,
    }
    takes |= {name for name, holds in held.items() if holds}
    lacking = needs - takes
    if "images" in lacking:
        lacking.discard("image_urls")
    if "response_format" in lacking:
        lacking.discard("json_schema")
    return tuple(sorted(lacking))
