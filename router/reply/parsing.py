"""The text of a reply as a value of a type the caller names. Pure."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


def parsed(text: str, kind: type[T]) -> T:
    """Return `text`, which is JSON, as a `kind`; a Markdown fence around it is taken off.

    Args:
        text: JSON, as a model wrote it.
        kind: What msgspec decodes (a struct, dataclass, TypedDict, builtin, …), or a pydantic model, which is
            known by its `model_validate_json`; pydantic itself is never imported here.

    Raises:
        TypeError: `kind` is no type that can be decoded.
        ValueError: The text is not JSON, or not of this kind; the message says where.
    """
    from msgspec import json  # which few programs want here

    name = getattr(kind, "__name__", str(kind))
    document = _without_fence(text)
    validate = getattr(kind, "model_validate_json", None)
    try:
        if callable(validate):
            value: T = validate(document)
            return value
        return json.decode(document, type=kind)
    except TypeError as error:
        raise TypeError(f"{name} is no type that JSON can be decoded into: {error}") from None
    except (ValueError, RecursionError) as error:  # those of msgspec and of pydantic are ValueErrors
        raise ValueError(
            f"the reply is not {name} in JSON: {error}; read `text` for what came, or ask with "
            f"response_format={name} and validate={name}"
        ) from error


def _without_fence(text: str) -> str:
    """Return what stands between the first and the last line of a fenced block, else the text."""
    stripped = text.strip()
    if not (stripped.startswith("```") and stripped.endswith("```") and "\n" in stripped):
        return stripped
    return stripped[stripped.index("\n") + 1 : -3]
