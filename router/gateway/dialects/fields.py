"""Fields of a client's request, checked: each wrong one is refused by its name. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adapters.contract.errors import BadReply
from adapters.contract.message import nearest
from adapters.wire.json import decode
from router.gateway.failure import refused

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from router.gateway.failure import Refused

_LONGEST = 100
"""Characters of a client's own words in an error."""


def object_of(body: bytes) -> dict[str, Any]:
    """Return the fields of a body.

    Raises:
        Refused: It is no JSON object.
    """
    try:
        fields = decode(body)
    except BadReply:
        raise refused("the request's body is not JSON; send a JSON object as application/json") from None
    if not isinstance(fields, dict):
        raise refused("the request's body must be a JSON object")
    return fields


def flag_of(fields: dict[str, Any], name: str) -> bool:
    """Take a switch out of `fields`; what is missing or null is off.

    Raises:
        Refused: It is neither true nor false.
    """
    value = fields.pop(name, None)
    if value is not None and not isinstance(value, bool):
        raise refused(f"{name} must be true or false", param=name)
    return bool(value)


def text_at(value: Any, where: str) -> str:
    """Return a text.

    Raises:
        Refused: It is none.
    """
    if not isinstance(value, str):
        raise refused(f"{where} must be text", param=where)
    return value


def object_at(value: Any, where: str) -> dict[str, Any]:
    """Return a JSON object.

    Raises:
        Refused: It is none.
    """
    if not isinstance(value, dict):
        raise refused(f"{where} must be an object", param=where)
    return value


def objects_at(value: Any, where: str) -> list[dict[str, Any]]:
    """Return an array of JSON objects.

    Raises:
        Refused: It is none.
    """
    if not isinstance(value, list):
        raise refused(f"{where} must be an array", param=where)
    return [object_at(item, f"{where}.{place}") for place, item in enumerate(value)]


def shown(value: Any) -> str:
    """Return a client's own word as an error may quote it."""
    return repr(value[:_LONGEST]) if isinstance(value, str) else f"of type {type(value).__name__}"


def unknown_kind(value: Any, where: str, known: Collection[str], hint: str = "") -> Refused:
    """Return the refusal of an object whose `type` the gateway does not take."""
    listed = ", ".join(sorted(known))
    return refused(
        f"{where} is of the type {shown(value)}, which the gateway does not take; it takes {listed}{hint}",
        param=where,
        code="unsupported_value",
    )


def check_rest(fields: Mapping[str, Any], dropped: Collection[str], reasons: Mapping[str, str]) -> None:
    """Check the fields of a request that are left when all that is known was taken; null is the same as none.

    Args:
        fields: What is left.
        dropped: The names of those that may be there without any effect.
        reasons: The name of a field that is known, and refused -> why, and what to do.

    Raises:
        Refused: There is another one.
    """
    for name, value in fields.items():
        if value is None or name in dropped:
            continue
        if name in reasons:
            raise refused(
                f"the gateway does not take {name}: {reasons[name]}", param=name, code="unsupported_parameter"
            )
        raise refused(
            f"the gateway does not know the field {shown(name)}{nearest(name, {*dropped, *reasons})}; "
            "leave it out",
            param=name[:_LONGEST],
            code="unknown_parameter",
        )
