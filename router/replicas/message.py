"""One message between replicas: what it may say, and how it is written and read. Pure.

A message says one thing about a provider or a model. It carries durations, never times of day, and of an
error only its class. What is read is data of a stranger: each field is checked and bounded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from adapters.contract import errors
from router.provider.standing import LONGEST_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind: TypeAlias = Literal["held", "open", "closed", "missing", "found", "down", "up", "isolated", "released"]
"""held: it asks to be left alone. open, closed: the circuit breaker. missing, found: a model.
down, up: whether it works at all. isolated, released: by an operator's hand."""
Source: TypeAlias = Literal["traffic", "answer", "reach"]
"""What showed it: a request, or a probe of that level."""

LONGEST: Final = 90_000.0
"""Seconds: no duration on the wire is longer; a day and an hour."""
_MOST: Final = 1 << 48
_KINDS: Final = frozenset(get_args(Kind))
_SOURCES: Final = frozenset(get_args(Source))
_FIELDS: Final = 12
_CLASSES: Final = frozenset(
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.AdapterError)
)
_NAME: Final = LONGEST_NAME + 16


@dataclass(frozen=True, slots=True)
class Message:
    """What a replica found.

    Attributes:
        sender: Who found it.
        number: Counts what that one said; a number is never used twice.
        provider: The provider's name.
        model: By the service's name; None for its default, or where it concerns the provider.
        whole: Whether it concerns the provider as a whole.
        kind: What was found.
        lasts: For how many seconds it holds from then on.
        reason: The class of the error that said so; empty where there was none.
        source: What showed it.
        repetitions: Trials of the breaker that failed.
    """

    sender: str
    number: int
    provider: str
    model: str | None
    whole: bool
    kind: Kind
    lasts: float = 0.0
    reason: str = ""
    source: Source = "traffic"
    repetitions: int = 0


class Nonsense(ValueError):
    """An entry of the store is not a message."""


def fields_of(message: Message, age: float) -> dict[str, str]:
    """Return the fields of a stream's entry.

    Args:
        message: To be written.
        age: Seconds since it was found.
    """
    fields = {
        "v": "1",
        "s": message.sender,
        "n": str(message.number),
        "p": message.provider,
        "k": message.kind,
        "a": str(round(1000 * min(max(age, 0.0), LONGEST))),
    }
    if not message.whole:
        fields["m"] = "" if message.model is None else f"={message.model}"
    if message.lasts > 0:
        fields["d"] = str(round(1000 * min(message.lasts, LONGEST)))
    if message.reason:
        fields["e"] = message.reason
    if message.source != "traffic":
        fields["b"] = message.source
    if message.repetitions:
        fields["r"] = str(message.repetitions)
    return fields


def message_of(fields: Mapping[bytes, bytes]) -> tuple[Message, float]:
    """Return the message of an entry, and its age in seconds when it was written.

    Raises:
        Nonsense: It is none.
    """
    if len(fields) > _FIELDS or fields.get(b"v") != b"1":
        raise Nonsense("not a message of this version")
    kind, source = _text(fields, b"k", 16), _text(fields, b"b", 8, "traffic")
    reason = _text(fields, b"e", 40, "")
    if kind not in _KINDS or source not in _SOURCES or (reason and reason not in _CLASSES):
        raise Nonsense("an unknown word")
    model = _text(fields, b"m", _NAME + 1, "") if b"m" in fields else ""
    if model and not model.startswith("="):
        raise Nonsense("not a name of a model")
    message = Message(
        _text(fields, b"s", 32),
        _number(fields, b"n", _MOST),
        _text(fields, b"p", 256),
        model[1:] if model else None,
        b"m" not in fields,
        kind,  # type: ignore[arg-type]  # looked up above
        _number(fields, b"d", round(1000 * LONGEST), 0) / 1000,
        reason,
        source,  # type: ignore[arg-type]  # looked up above
        _number(fields, b"r", 1000, 0),
    )
    return message, _number(fields, b"a", round(1000 * LONGEST)) / 1000


def event_time(identifier: bytes, age: float) -> tuple[float, int, int]:
    """Return when a message was found on the store's clock: what all replicas order by, each the same way.

    Args:
        identifier: Of the stream's entry.
        age: Seconds from finding it to writing it.

    Raises:
        Nonsense: It is not such an id.
    """
    millis, _, count = identifier.partition(b"-")
    if not (millis.isdigit() and count.isdigit() and len(identifier) < 42):
        raise Nonsense("not an id of a stream")
    found = int(millis) / 1000 - age
    if not math.isfinite(found):
        raise Nonsense("not a time")
    return found, int(millis), int(count)


def _text(fields: Mapping[bytes, bytes], name: bytes, most: int, default: str | None = None) -> str:
    value = fields.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, bytes) or not 0 < len(value) <= 4 * most:
        if value == b"" and default is not None:
            return ""
        raise Nonsense(f"no usable field {name.decode()}")
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise Nonsense(f"the field {name.decode()} is not UTF-8") from None
    if len(text) > most or not text.isprintable():
        raise Nonsense(f"the field {name.decode()} is too long or not printable")
    return text


def _number(fields: Mapping[bytes, bytes], name: bytes, most: int, default: int | None = None) -> int:
    value = fields.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, bytes) or len(value) > 16 or not value.isdigit() or int(value) > most:
        raise Nonsense(f"no usable number {name.decode()}")
    return int(value)
