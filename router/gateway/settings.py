"""What an operator sets for the gateway."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """The settings of a gateway, as the table `[gateway]` of a file has them.

    Attributes:
        body: The most bytes of a request's body (16 MiB); a longer one gets 413.
        comment_after: Seconds of silence after which a streamed answer gets a comment, so that proxies keep
            the connection open; None for never. The first comment sends status 200: a failure is an error
            event from then on, no HTTP error.
        page: Whether there is a status page.
        metrics: Whether there are metrics.
    """

    body: int = 16 * 1024 * 1024
    comment_after: float | None = None
    page: bool = True
    metrics: bool = True

    def __post_init__(self) -> None:
        if self.body < 1:
            raise ValueError(f"body is {self.body}; it is the most bytes of a request, at least 1")
        if self.comment_after is not None and not self.comment_after > 0:
            raise ValueError(
                f"comment_after is {self.comment_after}; it must be more than 0 seconds, or None"
            )
