"""What a constructor takes, read from its signature: the one list of settings is the code itself.

Annotations are resolved by `typing.get_type_hints`. Many are texts that name what a module imports for type
checkers only; those names are looked up in the vocabulary of this library. What cannot be made out is left to
the constructor.
"""

from __future__ import annotations

import builtins
import collections.abc
import dataclasses
import inspect
import os
import re
import sys
import types
import typing
from enum import Enum
from functools import cache
from typing import Any, Final

import adapters
import adapters.http
import router
from adapters.contract.secret import Secret
from adapters.http.certificates import Certificates
from adapters.http.settings import HTTPSettings
from router.config.cookies import Cookies
from router.config.rules import ORDERED, Check, Rule, rules_of
from router.config.sections import NOTHING, Parameter, Section
from router.config.texts import FilePath, SecretText, Text
from router.config.value_kinds import AnyOf, Anything, Choice, Flag, Kind, ListOf, Number, TableOf, Unwritable
from router.policy.budget import RetryBudget

_SECRET_NAME: Final = re.compile(r"(?:^|_)(?:key|token|secret|password|cookie|credentials?)\Z")
"""A setting of a third party that is certainly secret, although it takes plain `str`."""
_INSTEAD: Final = {
    "verify": Certificates | bool,
    "cookies": collections.abc.Mapping[str, str | Secret],
}
"""Settings that take more in Python than a file can hold, or are written otherwise there."""
_EXTENDS: Final = {"OpenAISettings": HTTPSettings}
"""TypedDict -> the one that it extends, which Python 3.11 does not keep."""
_SETS: Final = (set, frozenset, collections.abc.Set)
_ARRAYS: Final = (list, tuple, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection)
_TABLES: Final = (dict, collections.abc.Mapping, collections.abc.MutableMapping)


class _Names(dict[str, Any]):
    """The names that an annotation may use; an unknown one stands for itself."""

    def __missing__(self, name: str) -> Any:
        for room in (builtins, typing, collections.abc, adapters, adapters.http, router):
            if hasattr(room, name):
                return getattr(room, name)
        return type(name, (), {})


@cache
def section_of(made: type) -> Section:
    """Return the table that holds the settings of a class."""
    parameters, further = parameters_of(made)
    ordered = ORDERED.get(made.__name__) if rules_of(made) else None
    summary = " ".join(inspect.cleandoc(made.__doc__ or "").partition("\n\n")[0].split())
    return Section(made.__name__, summary, parameters, made, ordered, further)


@cache
def parameters_of(made: type) -> tuple[dict[str, Parameter], typing.Callable[[str], Kind] | None]:
    """Return the settings that the constructor of a class takes, and what others may be, if it takes others.

    A constructor that takes `**settings` without types hands them on: those of the next class are known then,
    and it may keep some for itself.
    """
    found: dict[str, Parameter] = {}
    is_open = False
    for owner in made.__mro__:
        constructor = vars(owner).get("__init__")
        if not inspect.isfunction(constructor):
            continue
        own, hands_on = _parameters(constructor, owner)
        found = {**found, **{name: each for name, each in own.items() if name not in found}}
        is_open |= hands_on
        if not hands_on:
            break
    return found, further_kind if is_open else None


def further_kind(name: str) -> Kind:
    """Return what a setting may be of which only the name is known."""
    return kind_of(NOTHING, name)


def _parameters(constructor: types.FunctionType, owner: type) -> tuple[dict[str, Parameter], bool]:
    """Return the parameters of one constructor, and whether it takes others without saying which."""
    found: dict[str, Parameter] = {}
    hands_on = False
    texts, rules = described(owner), rules_of(owner)
    for each in list(inspect.signature(constructor).parameters.values())[1:]:
        hint = _resolved(each.annotation, constructor.__globals__)
        if each.kind is each.VAR_KEYWORD:
            (settings,) = typing.get_args(hint) if typing.get_origin(hint) is typing.Unpack else (None,)
            hands_on = settings is None
            found |= {} if hands_on else settings_of(settings)
        elif each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY):
            default = NOTHING if repr(each.default) == "<factory>" else each.default  # of a dataclass
            kind, text = kind_of(hint, each.name, rules.get(each.name)), texts.get(each.name, "")
            found[each.name] = Parameter(kind, default, each.default is NOTHING, text)
    return found, hands_on


def settings_of(settings: Any) -> dict[str, Parameter]:
    """Return the settings that a `TypedDict` of keyword parameters has."""
    extended = _EXTENDS.get(settings.__name__)
    found = {} if extended is None else settings_of(extended)
    names, texts, rules = vars(sys.modules[settings.__module__]), described(settings), rules_of(settings)
    return found | {
        name: Parameter(
            kind_of(_INSTEAD.get(name) or _resolved(annotation, names), name, rules.get(name)),
            required=name in settings.__required_keys__,
            text=texts.get(name, ""),
        )
        for name, annotation in settings.__annotations__.items()
        if name not in found
    }


def _resolved(annotation: Any, names: dict[str, Any]) -> Any:
    if annotation is NOTHING:
        return NOTHING
    holder: Any = types.SimpleNamespace(__annotations__={"it": annotation})
    try:
        return typing.get_type_hints(holder, names, _Names(names))["it"]
    except Exception:  # noqa: BLE001 - an annotation is any expression; this one says nothing
        return Any


def kind_of(hint: Any, name: str = "", rule: Rule | None = None) -> Kind:
    """Return what a value may be that is annotated with `hint`.

    Args:
        hint: A resolved annotation.
        name: The setting's, which tells a secret that is annotated as `str`.
        rule: Which values of the type are allowed.
    """
    if hint is Secret:
        return SecretText(rule=rule)
    if hint in (str, Any, NOTHING) and _SECRET_NAME.search(name):
        return SecretText(bare=True, rule=rule)
    if hint in (Any, NOTHING):
        return Anything()
    if hint is bool:
        return Flag()
    if hint in (int, float):
        return Number(whole=hint is int, rule=rule)
    if hint is str:
        return Text(rule)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return Choice({str(member.value): member for member in hint}, name.rstrip("s") or "value")
    if isinstance(hint, type) and (dataclasses.is_dataclass(hint) or hint is RetryBudget):
        return section_of(hint)
    return _generic(typing.get_origin(hint) or hint, typing.get_args(hint), name, rule)


def _generic(origin: Any, inner: tuple[Any, ...], name: str, rule: Rule | None) -> Kind:
    if origin in (typing.Annotated, typing.Required, typing.NotRequired, typing.Final):
        return kind_of(inner[0], name, rule)
    if origin in (typing.Union, types.UnionType):
        return _union(inner, name, rule)
    if origin is typing.Literal:
        return Choice({str(value): value for value in inner}, name or "value")
    if origin is type and inner and isinstance(inner[0], type):
        home = inner[0].__module__
        classes = {kind.__name__: kind for kind in _below(inner[0]) if kind.__module__ == home}
        return Choice(dict(sorted(classes.items())), "class")
    if origin in _TABLES:
        hint_of_keys, hint_of_values = inner or (str, Any)
        of_entry = rule if isinstance(rule, Check) else None
        keys, value = kind_of(hint_of_keys), kind_of(hint_of_values, rule=None if of_entry else rule)
        if isinstance(value, SecretText) or name in ("headers", "cookies"):
            bare = Secret not in (hint_of_values, *typing.get_args(hint_of_values))
            value = SecretText(bare=bare, maybe_plain=True)
        kind = Cookies if name == "cookies" else TableOf
        return kind(value, keys if isinstance(keys, Choice) else None, of_entry)
    if origin in (*_ARRAYS, *_SETS):
        make = frozenset if origin in _SETS else list if origin is list else tuple
        return ListOf(kind_of(inner[0] if inner else Any, name, rule), make)
    return Unwritable()


def _below(kind: type) -> list[type]:
    direct: list[type] = kind.__subclasses__()
    return [each for child in direct for each in (child, *_below(child))]


def _union(inner: tuple[Any, ...], name: str, rule: Rule | None) -> Kind:
    if Secret in inner:
        asked = any(typing.get_origin(member) is collections.abc.Callable for member in inner)
        return SecretText(rule=rule, maybe_command=asked)
    if any((typing.get_origin(member) or member) is os.PathLike for member in inner):
        return FilePath()
    kinds = [kind_of(member, name, rule) for member in inner if member is not type(None)]
    kinds = [kind for kind in kinds if not isinstance(kind, Unwritable)]
    if not kinds:
        return Unwritable()
    if len(kinds) > 1:
        return next((kind for kind in kinds if isinstance(kind, Anything)), AnyOf(kinds))
    kind = kinds[0]
    return dataclasses.replace(kind, off=True) if type(None) in inner and isinstance(kind, Number) else kind


@cache
def described(kind: type) -> dict[str, str]:
    """Return what a class's docstring says of its attributes or arguments, each in one line."""
    found: dict[str, str] = {}
    name = None
    inside = False
    for line in inspect.cleandoc(kind.__doc__ or "").splitlines():
        if line and not line.startswith(" "):
            inside = line in ("Attributes:", "Args:")
        elif inside and (entry := re.match(r"    (\w+): (.*)", line)):
            name = entry[1]
            found.setdefault(name, entry[2])
        elif inside and name is not None and line.strip():
            found[name] += f" {line.strip()}"
    return {name: text.replace("`", "") for name, text in found.items()}
