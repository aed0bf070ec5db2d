"""What a service with an OpenAI-compatible API wants differently from OpenAI, and how a caller says so."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

from adapters.contract.message import EMPTY, ROLES, json_copy, nearest
from adapters.contract.options import OPTIONS
from adapters.http.settings import HTTPSettings, flag_of, pairs_of, token_of

if TYPE_CHECKING:
    from adapters.contract import Capabilities

Role: TypeAlias = Literal["system", "developer", "user", "assistant", "tool", "function"]
Ability: TypeAlias = Literal[
    "tools", "images", "image_urls", "audio", "response_format", "json_schema", "system_messages",
    "many_system", "history", "prefill", "null_content", "empty_content", "context_size", "context_tokens",
]  # fmt: skip


class OpenAISettings(HTTPSettings, total=False):
    """The keyword parameters of `OpenAICompatible` besides its address and key.

    Attributes:
        key_header: The header that carries the key: `authorization` (as `Bearer …`, the default) or another
            one, such as Azure's `api-key`, which gets the bare key.
        query: Fields of the query of each request, such as Azure's `api-version`.
        body: Fields of each body, unless the request gives them itself; never `messages`, `stream`, `model`.
        omit: Fields that are left out of each body. What a request gives in `extra` is sent all the same.
        rename: An option's name -> the service's, such as `max_tokens` -> `max_completion_tokens`.
        roles: A role of a message -> the role that the service knows, such as `developer` -> `system`; each
            attempt tells what was renamed.
        stream: False for a service or model that cannot stream: the reply comes as one delta (True).
        stream_options: Whether a stream is asked for its usage, by `stream_options` (True).
        takes: Further options that the service takes, such as `top_k`.
        refuses: Options that it refuses: dropped as hints, a reason to skip it as demands.
        capabilities: What it can take, where that differs; true or false: `tools`, `images`, `image_urls`,
            `audio`, `response_format`, `json_schema`, `system_messages`, `many_system`, `history`, `prefill`;
            where a message only calls tools, `null_content` (true, false, `omit`) and `empty_content` (true
            or false); numbers: `context_size` (characters of all messages), `context_tokens`. See
            `Capabilities`.
        models_path: Where it lists its models, below `base_url` (`/models`); empty where it has no list.
    """

    key_header: str
    query: Mapping[str, str]
    body: Mapping[str, Any]
    omit: Sequence[str]
    rename: Mapping[str, str]
    roles: Mapping[Role, Role]
    stream: bool
    stream_options: bool
    takes: Sequence[str]
    refuses: Sequence[str]
    capabilities: Mapping[Ability, bool | int | str]
    models_path: str


OWN: Final = frozenset(set(OpenAISettings.__annotations__) - set(HTTPSettings.__annotations__))
"""The settings that `HTTPSettings` does not have."""

_ELSEWHERE: Final = {
    "messages": "the messages are those of the request",
    "stream": "write stream = false beside it, as a setting of its own",
    "model": "write model beside it, as a setting of its own",
}
_SIZES: Final = {"context_size": "characters", "context_tokens": "tokens"}
_NULL: Final = "null_content"
_FLAGS: Final = tuple(name for name in get_args(Ability) if name not in _SIZES and name != _NULL)
_OF_TOOLS: Final = frozenset({"tools", "tool_choice", "parallel_tool_calls"})


@dataclass(frozen=True, slots=True)
class Dialect:
    """How requests to a service differ from those to OpenAI; see `OpenAISettings` for the fields."""

    key_header: str = "authorization"
    query: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    body: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    omit: frozenset[str] = frozenset()
    rename: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    roles: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    stream: bool = True
    stream_options: bool = True
    models_path: str = "/models"

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Dialect:
        """Return the dialect of some `OpenAISettings`.

        Raises:
            TypeError: A setting is of another type than it should be.
            ValueError: A setting has a value that cannot be used.
        """
        return cls(
            token_of(given.get("key_header", "authorization"), "header").lower(),
            _mapping("query", given, query_field),
            _mapping("body", given, body_field),
            frozenset(omitted(name) for name in _names("omit", given)),
            _mapping("rename", given, renamed),
            _mapping("roles", given, role_pair),
            flag_of("stream", given.get("stream", True)),
            flag_of("stream_options", given.get("stream_options", True)),
            path_of(given.get("models_path", "/models")),
        )

    def fields(self, options: Mapping[str, Any], *, stream: bool) -> dict[str, Any]:
        """Return the fields of a body that options and settings make, without model, messages and stream."""
        body: dict[str, Any] = {}
        if stream and self.stream_options:
            body["stream_options"] = {"include_usage": True}
        if self.body:
            body |= self.body
        if self.rename:
            # An option that is given under the service's own name wins over one that is renamed to it.
            body |= {self.rename[name]: value for name, value in options.items() if name in self.rename}
            body |= {name: value for name, value in options.items() if name not in self.rename}
        else:
            body |= options
        for name in self.omit:
            body.pop(name, None)
        return body


USUAL: Final = Dialect()
"""OpenAI's own."""


def capabilities_of(usual: Capabilities, given: Mapping[str, Any]) -> Capabilities:
    """Return what a service can take, by its settings.

    Args:
        usual: What is known of such services.
        given: Some `OpenAISettings`.

    Raises:
        TypeError: A setting is of another type than it should be.
        ValueError: An ability or option is unknown, or a number is not positive.
    """
    abilities = _mapping("capabilities", given, ability)
    takes = {option(name, "takes") for name in _names("takes", given)}
    refuses = {option(name, "refuses") for name in _names("refuses", given)}
    if both := sorted(takes & refuses):
        raise ValueError(f"{both[0]!r} stands in takes and in refuses; keep one")
    if abilities.get("response_format") is False:
        refuses.add("response_format")
    if abilities.get("tools") is False:
        refuses |= _OF_TOOLS
    options = (usual.options | takes) - refuses
    fields = {name: value for name, value in abilities.items() if name != "response_format"}
    fields["role_names"] = _mapping("roles", given, role_pair)
    try:
        return replace(usual, options=frozenset(options), **fields)
    except ValueError as error:
        raise ValueError(f"capabilities: {error}") from None


def in_effect(dialect: Dialect, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of `OpenAISettings` that are in effect, where some were given."""
    return {
        "key_header": dialect.key_header,
        "query": dict(dialect.query),
        "body": dict(dialect.body),
        "omit": tuple(sorted(dialect.omit)),
        "rename": dict(dialect.rename),
        "roles": dict(dialect.roles),
        "stream": dialect.stream,
        "stream_options": dialect.stream_options,
        "takes": tuple(sorted(given.get("takes", ()))),
        "refuses": tuple(sorted(given.get("refuses", ()))),
        "capabilities": dict(given.get("capabilities", {})),
        "models_path": dialect.models_path,
    }


def ability(pair: tuple[Any, Any]) -> None:
    """Check a pair of `capabilities`.

    Raises:
        TypeError: The value is of another type than it should be.
        ValueError: The ability is unknown, or a number is not positive.
    """
    name, value = pair
    known = get_args(Ability)
    if name not in known:
        raise ValueError(
            f"capabilities: there is no {name!r}{_near(name, known)} There are: {', '.join(known)}"
        )
    if name in _FLAGS and not isinstance(value, bool):
        raise TypeError(f"capabilities: {name} is {value!r}; it must be true or false")
    if name == _NULL and value not in (True, False, "omit"):
        raise TypeError(f"capabilities: {name} is {value!r}; it must be true, false or 'omit'")
    if name in _SIZES:
        unit = _SIZES[name]
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"capabilities: {name} is {value!r}; pass a whole number of {unit}")
        if value < 1:
            raise ValueError(f"capabilities: {name} is {value}; it must be at least 1 ({unit})")


def option(name: Any, setting: str) -> str:
    """Return the name of a generation option.

    Raises:
        TypeError: It is no text.
        ValueError: There is no such option.
    """
    if not isinstance(name, str):
        raise TypeError(f"{setting} holds {type(name).__name__}; pass names of options, such as 'seed'")
    if name not in OPTIONS:
        raise ValueError(
            f"{setting}: {name!r} is no generation option{_near(name, OPTIONS)} Fields that are none go into "
            "body, or are left out by omit"
        )
    return name


def omitted(name: Any) -> str:
    """Return the name of a field that is left out.

    Raises:
        TypeError: It is no text.
        ValueError: It is empty, or a field that cannot be left out.
    """
    if not isinstance(name, str):
        raise TypeError(f"omit holds {type(name).__name__}; pass names of fields, such as 'stream_options'")
    if not name.strip() or name in ("messages", "stream"):
        raise ValueError(f"omit cannot name {name!r}; {_ELSEWHERE.get(name, 'give the name of a field')}")
    return name


def body_field(pair: tuple[Any, Any]) -> Any:
    """Return the value of a field of `body`.

    Raises:
        TypeError: It has no form in JSON.
        ValueError: The field is none that can be given there, or its value is None.
    """
    name, value = pair
    if not isinstance(name, str) or not name.strip():
        raise TypeError(f"body has the field {name!r}; its names are text")
    if name in _ELSEWHERE:
        raise ValueError(f"body cannot have {name!r}: {_ELSEWHERE[name]}")
    if value is None:
        raise ValueError(f"body has {name!r} as None; to leave a field out write omit=[{name!r}]")
    return json_copy(value, f"body: {name}")


def query_field(pair: tuple[Any, Any]) -> str:
    """Return the value of a field of `query`.

    Raises:
        TypeError: It is no text.
        ValueError: Its name is empty, or seems to carry a secret, which belongs into no address.
    """
    name, value = pair
    if not isinstance(name, str) or not isinstance(value, str):
        raise TypeError(f"query: {name!r} is {type(value).__name__}; names and values are text")
    if not name.strip():
        raise ValueError("query has a field without a name")
    if name.lower().replace("-", "_") in ("key", "api_key", "apikey", "token", "access_token"):
        raise ValueError(
            f"query: {name!r} looks like a key, and addresses end up in logs; pass api_key, "
            "and key_header where the service wants another header"
        )
    return value


def renamed(pair: tuple[Any, Any]) -> str:
    """Return the service's name of an option.

    Raises:
        TypeError: A name is no text.
        ValueError: There is no such option, or the service's name is empty or taken.
    """
    name, to = pair
    option(name, "rename")
    if not isinstance(to, str):
        raise TypeError(f"rename: {name!r} leads to {type(to).__name__}; pass the service's name as text")
    if not to.strip() or to in _ELSEWHERE:
        raise ValueError(f"rename: {name!r} cannot become {to!r}; give the name of another field")
    return to


def role_pair(pair: tuple[Any, Any]) -> str:
    """Return the role that another one becomes.

    Raises:
        ValueError: One of them is no role.
    """
    for role in pair:
        if role not in ROLES:
            raise ValueError(f"roles: {role!r} is no role{_near(role, ROLES)} There are: {', '.join(ROLES)}")
    return str(pair[1])


def path_of(path: Any) -> str:
    """Return a path below the address.

    Raises:
        TypeError: It is no text.
        ValueError: It does not begin with one slash, or has a query.
    """
    if not isinstance(path, str):
        raise TypeError(f"models_path is {type(path).__name__}; pass a path such as '/models', or ''")
    if path and (not path.startswith("/") or path.startswith("//") or set("?# ") & set(path)):
        raise ValueError(f"models_path is {path!r}; pass a path such as '/models', or '' for no list")
    if not path.isascii():
        raise ValueError("models_path is not ASCII; percent-encode it")
    return path


def _mapping(setting: str, given: Mapping[str, Any], check: Any) -> Mapping[str, Any]:
    pairs = pairs_of(setting, given.get(setting, EMPTY))
    return MappingProxyType({k: v if (checked := check((k, v))) is None else checked for k, v in pairs})


def _names(setting: str, given: Mapping[str, Any]) -> Collection[Any]:
    names = given.get(setting, ())
    if isinstance(names, str) or not isinstance(names, Collection):
        what = "text" if isinstance(names, str) else type(names).__name__
        raise TypeError(f"{setting} is {what}; pass a list of names, such as ['seed']")
    return names


def _near(name: Any, known: Collection[str]) -> str:
    return (nearest(name, known) if isinstance(name, str) else "") or "."
