"""JSON of a peer into typed structs, and requests into JSON.

msgspec decodes into exactly the fields that are needed, ten times as fast as the standard library. It is
also strict: a lone surrogate, a NaN or bad UTF-8 fails the whole document, often in a field that nobody
reads, and servers send all three. So what it refuses is read once more, slowly and leniently; what is refused
again is not JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

import msgspec

from adapters.contract.errors import BadReply
from adapters.wire.text import encodable

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

T = TypeVar("T")

# Python's own limits are part of the map: depth (RecursionError), digits of an integer (ValueError), a number
# that no float holds (OverflowError). The errors of Unicode are ValueErrors too.
_FAILURES = (msgspec.MsgspecError, ValueError, RecursionError, OverflowError)


@overload
def decode(data: bytes | str) -> Any: ...
@overload
def decode(data: bytes | str, kind: type[T]) -> T: ...


def decode(data: bytes | str, kind: Any = object) -> Any:
    """Return the JSON document `data` as a `kind`: a msgspec struct, a builtin, or anything for `object`.

    Bad UTF-8 is read as U+FFFD, and so are lone surrogates in keys. Values may come back with lone
    surrogates, which a `SurrogateJoiner` joins with those of the next delta.

    Raises:
        BadReply: `data` is not JSON, or has another shape. The message quotes nothing of the data.
    """
    try:
        return _decoder(kind).decode(data)
    except _FAILURES:
        return _decode_leniently(data, kind)


@lru_cache(maxsize=256)
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def _decode_leniently(data: bytes | str, kind: Any) -> Any:
    try:
        text = data if isinstance(data, str) else data.decode("utf-8", "replace")
        value = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise BadReply(
            f"the provider sent data that is not JSON: {error.msg} at character {error.pos} "
            f"of {len(error.doc)}"
        ) from None
    except RecursionError:
        raise BadReply("the provider sent JSON that is nested too deeply") from None
    except _FAILURES:
        raise BadReply("the provider sent JSON with a number that is too long") from None
    try:
        return msgspec.convert(value, kind, strict=False)
    except _FAILURES as error:
        raise BadReply(f"the provider sent JSON of another shape than expected{_reason(error)}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # msgspec compares keys as UTF-8, so that a lone surrogate in the name of an unused field would fail it.
    return {encodable(key): value for key, value in pairs}


def _reason(error: Exception) -> str:
    """Return msgspec's words where they are about types and places, not where they quote a value."""
    words = str(error)
    return f": {words[:200]}" if words.startswith(("Expected", "Object missing")) else ""


def encode(value: Any) -> bytes:
    """Return `value` as compact JSON in UTF-8, for a request's body.

    Raises:
        TypeError: Something in it has no form in JSON.
        ValueError: A text in it cannot be encoded as UTF-8, or something contains itself.
    """
    try:
        return _encoder.encode(value)
    except RecursionError:
        raise ValueError("the request cannot be sent as JSON: it is nested too deeply") from None


def encode_in_steps(value: Any) -> Generator[None, None, bytes]:
    """Do as `encode` does, in steps of a few milliseconds, so that others run between them.

    Args:
        value: Dicts, lists, iterators of items of a list, and what `encode` takes.

    Yields:
        Nothing, after each step but the last.

    Returns:
        The JSON.

    Raises:
        TypeError: As of `encode`.
        ValueError: As of `encode`.
    """
    pieces: list[bytes] = []
    size = 0
    for piece in _pieces(value):
        pieces.append(piece)
        size += len(piece)
        if size >= _STEP:
            size = 0
            yield
    return b"".join(pieces)


def _pieces(value: Any) -> Iterator[bytes]:
    """Yield the JSON of `value` in pieces of about `_PIECE` bytes."""
    if isinstance(value, str) and len(value) > _PIECE:
        yield b'"'
        for at in range(0, len(value), _PIECE):
            yield encode(value[at : at + _PIECE])[1:-1]
        yield b'"'
    elif isinstance(value, dict) and not _is_light(value):
        comma = b"{"
        for key, item in value.items():
            yield comma + encode(key) + b":"
            yield from _pieces(item)
            comma = b","
        yield b"}"
    elif isinstance(value, list | Iterator):
        yield from _list_in_pieces(value)
    else:
        yield encode(value)


def _list_in_pieces(items: Iterable[Any]) -> Iterator[bytes]:
    comma, light = b"[", []
    for item in items:
        is_light = _is_light(item)
        if is_light:
            light.append(item)
            if len(light) < _TOGETHER:
                continue
        if light:
            yield comma + encode(light)[1:-1]
            comma, light = b",", []
        if not is_light:
            yield comma
            yield from _pieces(item)
            comma = b","
    if light:
        yield comma + encode(light)[1:-1]
        comma = b","
    yield b"]" if comma == b"," else b"[]"


def _is_light(value: Any) -> bool:
    """Whether `value` may be encoded at once: a flat object of short texts, as most messages are."""
    if not isinstance(value, dict):
        return False
    for each in value.values():  # noqa: SIM110 - `all` over a generator takes twice as long
        if type(each) is not str or len(each) > _SHORT:
            return False
    return True


_STEP: Final = 512 << 10
_PIECE: Final = 256 << 10
_TOGETHER: Final = 200
_SHORT: Final = 2 << 10


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, str):  # a subclass, which msgspec does not take
        return str(value)
    raise TypeError(
        f"the request cannot be sent as JSON: {type(value).__name__} is not a JSON type; "
        "pass text, numbers, booleans, None, lists and mappings"
    )


_encoder = msgspec.json.Encoder(enc_hook=_plain)
encode_text: Final = _encoder.encode_into
"""Writes a text to a bytearray, at its end where the place is -1: one call a message of a long history."""
