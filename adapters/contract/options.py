"""The options of a request: what each may be, and which are demands. Stdlib only.

An option is a *hint* or a *demand*. A hint (temperature, seed, …) is dropped for a provider that does not
take it, and named in its attempt. A demand (tools, response_format, n, …) changes what the caller gets, so a
provider that does not take it is skipped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from adapters.contract.message import EMPTY, json_copy, nearest
from adapters.contract.tools import check_tool_choice, check_tools


class _Option(NamedTuple):
    wanted: str
    right_type: Callable[[Any], bool]
    in_range: Callable[[Any], bool] = lambda value: True
    demands: Callable[[Any], bool] = lambda value: False


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping)


def _is_texts(value: Any) -> bool:
    return (
        isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(s, str) for s in value)
    )


def _is_texts_by_name(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(item, str) for item in value.values())


def _is_list_of_mappings(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, Mapping) for item in value)


def _from_zero(value: Any) -> bool:
    return bool(value >= 0)


def _up_to_one(value: Any) -> bool:
    return bool(0 <= value <= 1)


def _positive(value: Any) -> bool:
    return bool(value > 0)


def _given(value: Any) -> bool:
    return bool(value)


_NUMBER: Final = _Option("a finite number", _is_number)
_SHARE: Final = _Option("a number from 0 to 1", _is_number, _up_to_one)
_COUNT: Final = _Option("a positive whole number", _is_int, _positive)
_TEXT: Final = _Option("text", _is_text)
_SWITCH: Final = _Option("True or False", _is_bool)

_OPTIONS: Final[Mapping[str, _Option]] = MappingProxyType({
    "audio": _Option("a mapping", _is_mapping, demands=_given),
    "frequency_penalty": _NUMBER,
    "logit_bias": _Option("a mapping", _is_mapping),
    "logprobs": _SWITCH._replace(demands=_given),
    "max_completion_tokens": _COUNT,
    "max_tokens": _COUNT,
    "metadata": _Option("a mapping of texts", _is_texts_by_name),
    "modalities": _Option(
        "a list of texts, such as ['text', 'audio']",
        _is_texts, bool, lambda value: any(kind != "text" for kind in value),
    ),
    "n": _COUNT._replace(demands=lambda value: value > 1),
    "parallel_tool_calls": _SWITCH,
    "prediction": _Option("a mapping", _is_mapping),
    "presence_penalty": _NUMBER,
    "prompt_cache_key": _TEXT,
    "reasoning_effort": _TEXT,
    "repetition_penalty": _NUMBER,
    "response_format": _Option(
        "a mapping, a JSON schema or a class", _is_mapping, demands=lambda value: value.get("type") != "text"
    ),
    "seed": _Option("a whole number", _is_int),
    "service_tier": _TEXT,
    "stop": _Option("text or a list of texts", lambda value: _is_text(value) or _is_texts(value)),
    "store": _SWITCH,
    "temperature": _Option("a finite number from 0", _is_number, _from_zero),
    "tool_choice": _Option(
        "text or a mapping",
        lambda value: isinstance(value, str | Mapping),
        demands=lambda value: value not in ("auto", "none"),
    ),
    "tools": _Option("a list of mappings", _is_list_of_mappings, demands=_given),
    "top_k": _COUNT,
    "top_logprobs": _Option("a whole number from 0", _is_int, _from_zero, _given),
    "top_p": _SHARE,
    "typical_p": _SHARE,
    "user": _TEXT,
    "verbosity": _TEXT,
    "web_search_options": _Option("a mapping", _is_mapping, demands=lambda value: True),
})  # fmt: skip
OPTIONS: Final = frozenset(_OPTIONS)
"""The names of the options that a request can carry."""

_ELSEWHERE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "functions": "the old form is not sent any more; pass tools=[{'type': 'function', 'function': {…}}]",
        "function_call": "the old form is not sent any more; pass tool_choice=…",
        "headers": "headers belong to the adapter: OpenAICompatible(…, headers={…})",
        "api_key": "a key belongs to the adapter: OpenAICompatible(…, api_key=…)",
        "max_retries": "retries belong to the router: Router(…, retry=RetryPolicy(attempts=…))",
        "stream": "stream() always streams, and complete() returns the whole reply; leave it out",
        "stream_options": "the usage is always asked for; leave it out",
        "timeout": "pass timeouts=Timeouts(total=…), in seconds",
    }
)
"""Names of other clients' arguments -> what to write here."""


def checked_options(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a read-only copy of the options that are not None.

    Raises:
        TypeError: One is unknown (the nearest name is shown), of a wrong type or out of its range.
        ValueError: A tool or a format has a wrong shape, or a text cannot be encoded.
    """
    if not given:
        return EMPTY
    options: dict[str, Any] = {}
    for name, value in given.items():
        if name not in _OPTIONS:
            raise TypeError(_unknown(name))
        if value is None:
            continue
        if name == "response_format":
            value = _response_format(value)
        _check(name, value)
        options[name] = json_copy(value, f"option {name!r}")
    return MappingProxyType(options)


def demands_of(options: Mapping[str, Any], required: Collection[str]) -> frozenset[str]:
    """Return the names of the options that a provider must take.

    Args:
        options: Of the request.
        required: Names of options that the caller makes demands.

    Raises:
        TypeError: `required` is one text, or holds something else than names.
        ValueError: A name in `required` is not an option of this request.
    """
    if isinstance(required, str):
        raise TypeError(f"require is text; pass a list of names, for example [{required!r}]")
    if not (options or required):
        return frozenset()
    for name in required:
        if not isinstance(name, str):
            raise TypeError(f"require has {name!r}; pass the names of options, for example ['temperature']")
        if name not in options:
            hint = nearest(name, options)
            raise ValueError(
                f"require names {name!r}, which the request does not give; pass {name}=… too{hint}"
            )
    return frozenset(name for name, value in options.items() if _OPTIONS[name].demands(value)).union(required)


def _unknown(name: str) -> str:
    if name in _ELSEWHERE:
        return f"unknown option {name!r}: {_ELSEWHERE[name]}"
    return (
        f"unknown option {name!r}{nearest(name, OPTIONS) or '.'} Known are {', '.join(sorted(OPTIONS))}; "
        "what only one provider takes goes into extra={'provider name': {...}}"
    )


def _check(name: str, value: Any) -> None:
    option = _OPTIONS[name]
    shown = repr(value) if isinstance(value, int | float) else f"of type {type(value).__name__}"
    if not (option.right_type(value) and option.in_range(value)):
        raise TypeError(f"option {name!r} is {shown}; it must be {option.wanted}")
    if name == "tools":
        check_tools(value)
    elif name == "tool_choice":
        check_tool_choice(value)


_NO_FORMAT: Final = (
    "option 'response_format' has no 'type'; pass {'type': 'json_object'}, a JSON schema, or a class"
)
_SCHEMA_KEYS: Final = frozenset(
    {"$schema", "$ref", "$defs", "properties", "items", "anyOf", "allOf", "oneOf"}
)


def _response_format(value: Any) -> Any:
    """Return the mapping to send: a class or a bare JSON schema is wrapped as OpenAI wants it."""
    if isinstance(value, type):
        from adapters.wire.schema import schema_of  # on first use: it needs more than the standard library

        return _wrapped(schema_of(value), value.__name__)
    if isinstance(value, Mapping):
        if value.get("type") in ("object", "array") or ("type" not in value and _SCHEMA_KEYS & set(value)):
            return _wrapped(value, str(value.get("title") or "reply"))
        if not value.get("type"):
            raise ValueError(_NO_FORMAT)
    return value


def _wrapped(schema: Mapping[str, Any], title: str) -> dict[str, Any]:
    name = "".join(char if char.isascii() and (char.isalnum() or char in "_-") else "_" for char in title)
    return {"type": "json_schema", "json_schema": {"name": name[:64], "schema": schema}}
