"""Failures that each say little, and together may say more than one alone. Pure."""

from __future__ import annotations


class Signs:
    """What failed since the last success, and may come to speak about more than it says alone.

    Attributes:
        doubts: Ambiguous failures: class -> contents of the requests that met them.
        sick_models: Models that failed.
        sick_contents: Contents of the requests that met that.
    """

    __slots__ = ("doubts", "sick_contents", "sick_models")

    def __init__(self) -> None:
        self.doubts: dict[str, set[bytes]] = {}
        self.sick_models: set[str | None] = set()
        self.sick_contents: set[bytes] = set()

    def forget(self) -> None:
        """Begin anew."""
        if self.doubts or self.sick_models or self.sick_contents:
            self.doubts.clear()
            self.sick_models.clear()
            self.sick_contents.clear()
