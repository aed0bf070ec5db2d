"""Under which name a process counts among the replicas. Pure.

Routers that follow each other in one process, as after a file was read anew, have one seat: both live for a
while, and they are one replica. The newest of them says that it is there; who leaves last takes the name out.
"""

from __future__ import annotations


class Seat:
    """The place of one process; each router joins one."""

    __slots__ = ("_holders", "name")

    def __init__(self) -> None:
        self.name = ""
        """The id of the first router that used it; empty before."""
        self._holders: list[object] = []

    def join(self, holder: object) -> None:
        """Let a further router have it: from now on this one speaks."""
        self._holders.append(holder)

    def leave(self, holder: object) -> bool:
        """Let a router go; return whether the seat is empty."""
        if holder in self._holders:
            self._holders.remove(holder)
        return not self._holders

    def is_held_by(self, holder: object) -> bool:
        """Whether this router is the newest one."""
        return self._holders[-1:] == [holder]
