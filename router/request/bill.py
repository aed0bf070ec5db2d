"""What one attempt used: it corrects the limits of this side, and its cost is booked and shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from router.provider.evidence import MAY_HAVE_COST

if TYPE_CHECKING:
    from adapters.contract import Usage
    from router.policy.prices import Cost
    from router.provider.limits import Admission
    from router.provider.provider import Provider
    from router.request.attempt import AttemptResult


class Books(Protocol):
    """Where the attempts of a request are written down; the ledger."""

    def book(
        self,
        provider: str,
        number: int,
        model: str | None,
        usage: Usage | None,
        cost: Cost | None,
        *,
        wasted: bool,
    ) -> None:
        """Write what an attempt used and cost."""
        ...


@dataclass(slots=True, eq=False, repr=False)
class Bill:
    """What one attempt used, settled once.

    Attributes:
        provider: Who was asked.
        model: By the service's name; None for its default.
        ledger: Of the request.
        number: Of the attempt.
        admission: What it took of the limits of this side, where the provider has some.
        settled: Whether it is done.
    """

    provider: Provider
    model: str | None
    ledger: Books
    number: int
    admission: Admission | None
    settled: bool = False

    def settle(self, usage: Usage | None, model: str | None, now: float, *, wasted: bool) -> None:
        """Book what the attempt used; the first call does it.

        Args:
            usage: What the service counted, where it did.
            model: That answered, where the service named it.
            now: On the event loop's clock.
            wasted: Whether the attempt brought nothing to the reply.
        """
        if self.settled:
            return
        self.settled = True
        limits, account = self.provider.limits, self.provider.account
        if limits is not None and self.admission is not None:
            limits.counted(self.admission, usage, now)
        cost = None
        if account is not None:
            cost = account.cost((model, self.model), usage)
            account.book(cost, wasted=wasted)
        self.ledger.book(self.provider.name, self.number, model or self.model, usage, cost, wasted=wasted)

    def in_vain(self, result: AttemptResult, *, cancelled: bool) -> None:
        """Book what an attempt used that brought nothing, unless the service certainly generated nothing.

        Args:
            result: Of the attempt.
            cancelled: Whether nobody waited for what the service made of it.
        """
        usage = next((d.usage for d in reversed(result.early) if d.usage is not None), None)
        model = next((d.model for d in result.early if d.model is not None), None)
        if cancelled or result.early or isinstance(result.error, MAY_HAVE_COST):
            self.settle(usage, model, result.ended, wasted=True)
