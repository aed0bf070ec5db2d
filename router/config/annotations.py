"""What a constructor takes, read from its signature: the one list of settings is the code itself.

Annotations are texts where a module says `from __future__ import annotations`, and name what is imported for
type checkers only; so they are evaluated here, with the vocabulary of this library for what a module has not
imported. What cannot be made out is left to the constructor.
"""

from __future__ import annotations

import builtins
import collections.abc
import dataclasses
import inspect
import re
import sys
import types
import typing
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any, Final

import adapters
import adapters.http
import router
from adapters.contract.secret import Secret
from router.config.kinds import (
    AnyOf,
    Anything,
    Choice,
    Flag,
    Kind,
    ListOf,
    Number,
    OrOff,
    TableOf,
    Unwritable,
    Whole,
)
from router.config.texts import SecretText, Text
from router.policy.budget import RetryBudget

NOTHING: Final[Any] = inspect.Parameter.empty
"""There is no default."""
_SECRET_NAME: Final = re.compile(r"(?:^|_)(?:key|token|secret|password|cookie|credentials?)\Z")
"""A setting of a third party that is certainly secret, although it takes plain `str`."""
_INSTEAD: Final = {"verify": bool}
"""Settings that take more in Python than a file can hold, and say `Any`."""
_SCALARS: Final[dict[Any, type[Kind]]] = {bool: Flag, int: Whole, float: Number, str: Text, Any: Anything}
_SETS: Final = (set, frozenset, collections.abc.Set)
_ARRAYS: Final = (list, tuple, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One setting of a constructor.

    Attributes:
        kind: What it may be.
        default: What it is where it is left out, or `NOTHING` where the signature does not say.
        required: Whether it must be given.
        text: What the docstring says of it.
    """

    kind: Kind
    default: Any = NOTHING
    required: bool = False
    text: str = ""


class _Names(dict[str, Any]):
    """The names that an annotation may use; one that there is not stands for itself."""

    def __missing__(self, name: str) -> Any:
        for room in (builtins, typing, collections.abc, adapters, adapters.http, router):
            if hasattr(room, name):
                return getattr(room, name)
        return type(name, (), {})


@cache
def parameters_of(made: type) -> tuple[dict[str, Parameter], bool]:
    """Return the settings that the constructor of a class takes, and whether it may take others.

    A constructor that takes `**settings` without types hands them on: those of the next class are known then,
    and it may keep some for itself.
    """
    found: dict[str, Parameter] = {}
    is_open = False
    for owner in made.__mro__:
        constructor = vars(owner).get("__init__")
        if not inspect.isfunction(constructor):
            continue
        own, hands_on = _parameters(constructor, described(owner))
        found = {**found, **{name: each for name, each in own.items() if name not in found}}
        is_open |= hands_on
        if not hands_on:
            break
    return found, is_open


def _parameters(constructor: types.FunctionType, texts: dict[str, str]) -> tuple[dict[str, Parameter], bool]:
    """Return the parameters of one constructor, and whether it takes others without saying which."""
    found: dict[str, Parameter] = {}
    hands_on = False
    for each in list(inspect.signature(constructor).parameters.values())[1:]:
        hint = _evaluated(each.annotation, constructor.__globals__)
        if each.kind is each.VAR_KEYWORD:
            settings = _typed_dict(hint)
            hands_on = settings is None
            found |= {} if settings is None else _settings_of(settings)
        elif each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY):
            default = NOTHING if repr(each.default) == "<factory>" else each.default  # of a dataclass
            kind, text = kind_of(hint, each.name), texts.get(each.name, "")
            found[each.name] = Parameter(kind, default, each.default is NOTHING, text)
    return found, hands_on


def _typed_dict(hint: Any) -> type | None:
    inner = next(iter(typing.get_args(hint)), None) if typing.get_origin(hint) is typing.Unpack else None
    return inner if typing.is_typeddict(inner) else None


def _settings_of(settings: Any) -> dict[str, Parameter]:
    names = vars(sys.modules[settings.__module__])
    texts = described(settings)
    found = {}
    for name, annotation in settings.__annotations__.items():
        hint = _INSTEAD.get(name) or _evaluated(annotation, names)
        found[name] = Parameter(
            kind_of(hint, name), required=name in settings.__required_keys__, text=texts.get(name, "")
        )
    return found


def _evaluated(annotation: Any, names: dict[str, Any]) -> Any:
    text = annotation.__forward_arg__ if isinstance(annotation, typing.ForwardRef) else annotation
    if not isinstance(text, str):
        return annotation
    try:
        return eval(text, {"__builtins__": {}}, _Names(names))
    except Exception:  # noqa: BLE001 - an annotation is any expression; this one says nothing
        return Any


def kind_of(hint: Any, name: str = "") -> Kind:
    """Return what a value may be that is annotated with `hint`.

    Args:
        hint: An evaluated annotation.
        name: The setting's, which tells a secret that is annotated as `str`.
    """
    if hint is Secret:
        return SecretText()
    if hint in (str, Any, NOTHING) and _SECRET_NAME.search(name):
        return SecretText(bare=True)
    if hint is NOTHING:
        return Anything()
    if isinstance(hint, collections.abc.Hashable) and hint in _SCALARS:
        return _SCALARS[hint]()
    if isinstance(hint, type) and issubclass(hint, Enum):
        return Choice({str(member.value): member for member in hint}, name.rstrip("s") or "value")
    if isinstance(hint, type) and (dataclasses.is_dataclass(hint) or hint is RetryBudget):
        from router.config.sections import Section  # a section is made of parameters

        return Section(hint)
    return _generic(typing.get_origin(hint) or hint, typing.get_args(hint), name)


def _generic(origin: Any, inner: tuple[Any, ...], name: str) -> Kind:
    if origin in (typing.Annotated, typing.Required, typing.NotRequired, typing.Final):
        return kind_of(inner[0], name)
    if origin in (typing.Union, types.UnionType):
        return _union(inner, name)
    if origin is typing.Literal:
        return Choice({str(value): value for value in inner}, name or "value")
    if origin is type and inner and isinstance(inner[0], type):
        home = sys.modules[inner[0].__module__]
        classes = {kind.__name__: kind for kind in _below(inner[0]) if kind.__module__ == home.__name__}
        return Choice(dict(sorted(classes.items())), "class")
    if origin in (dict, collections.abc.Mapping, collections.abc.MutableMapping):
        hint_of_keys, hint_of_values = inner or (str, Any)
        keys, value = kind_of(hint_of_keys), kind_of(hint_of_values)
        if isinstance(value, SecretText) or name in ("headers", "cookies"):
            value = SecretText(
                bare=Secret not in (hint_of_values, *typing.get_args(hint_of_values)), maybe_plain=True
            )
        return TableOf(value, keys if isinstance(keys, Choice) else None)
    if origin in (*_ARRAYS, *_SETS):
        make = frozenset if origin in _SETS else list if origin is list else tuple
        return ListOf(kind_of(inner[0] if inner else Any, name), make)
    return Unwritable()


def _below(kind: type) -> list[type]:
    direct: list[type] = kind.__subclasses__()
    return [each for child in direct for each in (child, *_below(child))]


def _union(inner: tuple[Any, ...], name: str) -> Kind:
    if Secret in inner:
        return SecretText()
    kinds = [kind_of(member, name) for member in inner if member is not type(None)]
    kinds = [kind for kind in kinds if not isinstance(kind, Unwritable)]
    if not kinds:
        return Unwritable()
    if len(kinds) > 1:
        return next((kind for kind in kinds if isinstance(kind, Anything)), AnyOf(kinds))
    kind = kinds[0]
    return OrOff(kind) if type(None) in inner and isinstance(kind, Whole | Number) else kind


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
