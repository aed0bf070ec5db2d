"""What a provider tells those who share what they know of it with other processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from adapters.contract.errors import AdapterError
    from router.provider.evidence import EvidenceKind


class Sharing(Protocol):
    """Tells others what this process finds of one provider, and applies here what they found."""

    def apply(self, now: float) -> None:
        """Apply what others found; called before each decision, so nothing in it waits."""
        ...

    def heed(self) -> None:
        """Apply what others found until now."""
        ...

    def changed(
        self, now: float, model: str | None, source: EvidenceKind, error: AdapterError | None
    ) -> None:
        """Learn that something was found here; tell what is new in it.

        Args:
            now: On the event loop's clock.
            model: Which was asked for, by the service's name; None for its default.
            source: What showed it.
            error: The failure, where it was one.
        """
        ...

    @property
    def isolated_since(self) -> float | None:
        """When the provider was isolated by hand, in whichever process; None where it is not."""
        ...

    def isolated(self, since: float | None = None) -> None:
        """Learn that the provider was isolated by hand.

        Args:
            since: When that was, on the event loop's clock; by default now.
        """
        ...

    def reset(self) -> None:
        """Learn that the breakers were reset by hand."""
        ...

    def may_probe(self, now: float) -> bool | None:
        """Whether a probe in the background is this process's to make; None where that is not known yet."""
        ...
