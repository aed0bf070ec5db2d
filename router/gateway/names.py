"""The names of models that clients may ask for, and what they mean for the chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from router.gateway.failure import refused

if TYPE_CHECKING:
    from collections.abc import Collection

    from router import Router

CHAIN: Final = "chat-router"
"""Asks the whole chain, each provider for its own default model."""
_DEFAULTS: Final = frozenset({CHAIN, "auto", "default"})
"""The names that mean the whole chain."""


def canonical(name: str) -> str:
    """Return the one name for all that mean the same."""
    return CHAIN if name in _DEFAULTS else name


def may_use(allowed: frozenset[str] | None, name: str) -> bool:
    """Whether a key may use a name. Names that mean the same are the same.

    Args:
        allowed: The names that the key may use; None for all.
        name: The name that is asked for.
    """
    return allowed is None or name in allowed or (name in _DEFAULTS and not _DEFAULTS.isdisjoint(allowed))


@dataclass(frozen=True, slots=True)
class Names:
    """What a model's name means.

    Attributes:
        providers: The names of the providers of the chain.
        allowed: The names that the caller's key may use; None for all.
        caching: The names of the providers that take marks of what is to be cached.
    """

    providers: Collection[str]
    allowed: frozenset[str] | None = None
    caching: Collection[str] = ()

    @classmethod
    def of(cls, router: Router, allowed: frozenset[str] | None = None) -> Names:
        """Return the names of a router's chain.

        Args:
            router: Whose chain it is.
            allowed: See above.
        """
        caching = tuple(each.name for each in router.adapters if each.capabilities.cache_control)
        return cls(router.providers, allowed, caching)

    def meaning(self, named: object) -> tuple[str | None, tuple[str, ...] | None]:
        """Return the model to ask for and the providers to ask; None for the default, and for the chain.

        `provider/model` pins a provider of the chain; `provider/` asks for its default. Any other name goes
        to the whole chain, whose providers translate it by their `models`.

        Args:
            named: The `model` of the client's request.

        Raises:
            Refused: It is no text, or the key may not use it.
        """
        if not isinstance(named, str) or not named:
            raise refused(f"model must be text, such as {CHAIN!r} for the whole chain", param="model")
        if self.allowed is not None and not may_use(self.allowed, named):
            raise refused(
                f"this key may not use the model {named[:100]!r}; "
                f"it may use {', '.join(sorted(self.allowed))}",
                param="model",
                code="model_not_allowed",
                status=403,
            )
        if named in _DEFAULTS:
            return None, None
        provider, slash, model = named.partition("/")
        if slash and provider in self.providers:
            return model or None, (provider,)
        return named, None
