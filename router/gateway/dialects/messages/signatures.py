"""Thinking that goes to a client and comes back with the next turn. Pure.

A provider may want its own thinking back: Claude with its signature, DeepSeek in the field in which it sent
it. The client keeps a block's signature as it is, so that is where the gateway writes who thought, and how it
wants that back. The gateway itself keeps nothing. Thinking of a provider that left the chain, and thinking
that no gateway handed out, goes to nobody.

    provider:sig:c2lnbmVk           a signature of Claude's thinking, or the data of its redacted thinking
    provider:as:reasoning_content   the field
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection

FIELDS: Final = frozenset({"reasoning_content", "reasoning"})
"""The fields in which services want plain reasoning back. A client cannot name others."""
_SIGNED: Final = "sig:"
_FIELD: Final = "as:"


class Origin(NamedTuple):
    """Where thinking came from.

    Attributes:
        provider: Who thought.
        signature: The provider's own signature; empty where it has none.
        field: Where it wants its thinking back, without a signature.
    """

    provider: str
    signature: str = ""
    field: str = ""


def written(origin: Origin) -> str:
    """Return an origin as a client keeps it; empty where the thinking need not come back."""
    if origin.signature:
        return f"{origin.provider}:{_SIGNED}{origin.signature}"
    return f"{origin.provider}:{_FIELD}{origin.field}" if origin.field in FIELDS else ""


def read(signature: str, providers: Collection[str]) -> Origin | None:
    """Return the origin that a client's signature tells, or None where it is not of this chain."""
    for provider in sorted(providers, key=len, reverse=True):
        if signature.startswith(f"{provider}:"):
            told = signature[len(provider) + 1 :]
            if told.startswith(_SIGNED) and len(told) > len(_SIGNED):
                return Origin(provider, signature=told.removeprefix(_SIGNED))
            if told.startswith(_FIELD) and told.removeprefix(_FIELD) in FIELDS:
                return Origin(provider, field=told.removeprefix(_FIELD))
    return None
