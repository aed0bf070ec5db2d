"""One storm from beginning to end: parts of load, kills in some, memory after each, and what is wrong."""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio

from benchmarks.figures import slope
from benchmarks.gateway.__main__ import process
from benchmarks.gateway.storm.clients import BROKEN, Storm
from benchmarks.gateway.storm.members import Store, members

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.gateway.storm.members import Member

KILLED: Final = 1
"""The gateway that is killed."""


@dataclass
class Course:
    """What a storm did and found.

    Attributes:
        met: What the clients met.
        gateways: With their memory after each part since their last start.
        phases: What was whole of each gateway between two kills or starts, by what began it.
        wrong: What must not be, beside what the clients met.
    """

    met: Storm
    gateways: Sequence[Member]
    phases: dict[str, Counter[int]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def begin(self, phase: str) -> None:
        """Begin a phase."""
        self.met.whole = self.phases[phase] = Counter()

    def whole_of(self, phase: str) -> int:
        """Return how many answers of a phase were whole."""
        return self.phases[phase].total()

    @property
    def grown(self) -> list[int]:
        """The gateways whose memory grew."""
        return [each.number for each in self.gateways if growth(each.memory) > 0]

    @property
    def is_well(self) -> bool:
        """Whether nothing is wrong and nothing grew."""
        return not (self.met.wrong or self.wrong or self.grown)

    def told(self) -> str:
        """Return it in words."""
        lines = [", ".join(f"{kind} {count}" for kind, count in self.met.counts.most_common())]
        for each in self.gateways:
            memory = ", ".join(f"{size:.0f}" for size in each.memory)
            lines.append(f"gateway {each.number}: memory after each part, MiB: {memory}")
            if each.doomed:
                broken = self.met.counts[BROKEN]
                lines.append(f"gateway {each.number}: killed with {len(each.doomed)} open, {broken} broken")
        for phase, whole in self.phases.items():
            parts = ", ".join(f"{each.number}: {whole[each.number]}" for each in self.gateways)
            lines.append(f"whole, {phase}: {parts}")
        lines += [*self.met.wrong[:20], *self.wrong]
        lines += [f"the memory of gateway {number} grew" for number in self.grown]
        return "\n".join(lines)


def storm(
    clients: int, seconds: float, replicas: int = 1, *, kill: bool = False, patience: float | None = None
) -> Course:
    """Return what became of a storm.

    It has parts: a quarter, of a long storm a minute, with kills 20 seconds. Between two parts no request is
    under way. In the second part a gateway is killed and started again, in the third one the store.

    Args:
        clients: That ask at once.
        seconds: For which they ask.
        replicas: Gateways; several share a store.
        kill: Whether to kill.
        patience: Of a gateway with a silent upstream, and of a client before its next request, in seconds at
            most. By default what this machine stands: 2, with more than 200 clients more.
    """
    parts = max(4, int(seconds / (20 if kill else 60)))
    patience = patience or max(2.0, clients / 100)
    with ExitStack() as stack:
        upstreams = [sys.executable, "-m", "benchmarks.gateway.storm", "--role", "upstreams"]
        urls = stack.enter_context(process(*upstreams)).line()
        options = ["--urls", urls, "--patience", str(patience)]
        store = None
        if replicas > 1:
            store = Store(Path(stack.enter_context(tempfile.TemporaryDirectory())))
            stack.callback(store.stop)
            options += ["--store", store.url]
        gateways = stack.enter_context(members(replicas, *options))
        course = Course(Storm(gateways, patience), gateways)
        anyio.run(_run, course, store if kill else None, clients, parts, seconds / parts)
        return course


async def _run(course: Course, store: Store | None, clients: int, parts: int, seconds: float) -> None:
    course.begin("all alive")
    for part in range(parts):
        async with anyio.create_task_group() as group:
            group.start_soon(course.met.run, clients, seconds)
            if store is not None and part == 1:
                await _kill_gateway(course, seconds)
            if store is not None and part == 2:
                await _kill_store(course, store, seconds)
        for each in course.gateways:
            each.measure()
    await anyio.sleep(0.5)


async def _kill_gateway(course: Course, seconds: float) -> None:
    member = course.gateways[KILLED]
    await anyio.sleep(seconds / 3)
    course.begin("one gateway killed")
    await member.kill()
    await anyio.sleep(seconds / 3)
    await member.start()
    course.begin("started again")


async def _kill_store(course: Course, store: Store, seconds: float) -> None:
    count = len(course.gateways)
    if not await store.saw(count):
        course.wrong.append(f"{store.replicas()} of {count} gateways share before the store is killed")
    await anyio.sleep(seconds / 3)
    course.begin("the store killed")
    await store.kill()
    await anyio.sleep(seconds / 3)
    await store.start()
    course.begin("the store started again, empty")
    if not await store.saw(count):
        course.wrong.append(f"{store.replicas()} of {count} gateways share after the store is back")


def growth(memory: Sequence[float]) -> float:
    """Return by how many MiB the memory grew beyond what is allowed; 0 or less is flat.

    Of ten parts or more the line fitted to the last four fifths may grow 2 MiB or 3 %; of fewer, where pools
    still fill, the last part may be 5 MiB and 10 % above the second.
    """
    if len(memory) < 10:
        return memory[-1] - memory[1] * 1.1 - 5
    kept = memory[len(memory) // 5 :]
    grown = slope(list(range(len(kept))), list(kept)) * (len(kept) - 1)
    return grown - max(2.0, 0.03 * statistics.median(kept))
