"""The clients of a storm, and what they met."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import anyio

from benchmarks.gateway.load import request_of
from benchmarks.gateway.storm.answers import KINDS, cut, ended, judged
from benchmarks.gateway.storm.serving import KEY
from router.gateway import GatewaySettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.gateway.storm.members import Member

LEFT: Final = "left"
BROKEN: Final = "broken by the kill"
REFUSED: Final = "refused by a dead gateway"
SLOW: Final = "sent over 10 s after connecting"
"""The clients share one process: on a busy machine some get no CPU for so long, and a gateway hangs up."""
HEAD: Final = GatewaySettings().head_seconds


@dataclass
class Storm:
    """What the clients met.

    Attributes:
        gateways: Whom they ask, each request another one by chance.
        patience: Of a gateway with a silent upstream, in seconds; a request ends in three times as much.
        counts: How requests ended. One that a dead gateway refused is asked of another one.
        whole: How many were whole of each gateway.
        wrong: What must not be, in words.
    """

    gateways: Sequence[Member]
    patience: float
    counts: Counter[str] = field(default_factory=Counter)
    whole: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    _parts: int = 0

    async def run(self, clients: int, seconds: float) -> None:
        """Let so many clients ask until the time is over, and wait for their last answers."""
        end = anyio.current_time() + seconds
        self._parts += 1
        async with anyio.create_task_group() as group:
            for number in range(clients):
                group.start_soon(self._client, number, end, seconds)

    async def _client(self, number: int, end: float, seconds: float) -> None:
        chance = random.Random(f"{number} {self._parts}")
        await anyio.sleep(chance.random() * min(1.0, seconds / 2))
        count = 0
        while anyio.current_time() < end:
            word = f"p{self._parts}c{number}r{count}"
            count += 1
            leaves = chance.random() * 0.2 if chance.random() < 0.1 else None
            streams = chance.random() < 0.8
            for gateway in chance.sample(self.gateways, len(self.gateways)):
                gateway.begins(word)
                try:
                    kind = await self._ask(gateway, word, leaves, streams=streams)
                finally:
                    gateway.ends(word)
                self.counts[kind] += 1
                self.whole[gateway.number] += kind == "whole"
                if kind != REFUSED:
                    break
            await anyio.sleep(chance.random() * self.patience)

    async def _ask(self, gateway: Member, word: str, leaves: float | None, *, streams: bool) -> str:
        """Return how a request ended."""
        request = request_of("/v1/chat/completions", "chat-router", word, streams=streams, key=KEY)
        was_refused = was_slow = False
        began = anyio.current_time()
        got, lost = bytearray(), ""
        longest = 3 * self.patience + 30  # the clients themselves may be slow: they share the machine
        with anyio.move_on_after(longest if leaves is None else leaves) as scope:
            try:
                async with await anyio.connect_tcp("127.0.0.1", gateway.port) as connection:
                    await connection.send(request)
                    was_slow = anyio.current_time() > began + HEAD
                    while not ended(got):
                        got += await connection.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError) as error:
                lost = repr(error.__cause__ or error)
            except OSError as error:  # nobody listens
                was_refused, lost = True, repr(error)
        if scope.cancelled_caught:
            if leaves is not None:
                return LEFT
            return self._is_wrong(f"{word} did not end in {longest:g} s; it got {bytes(got[-200:])!r}")
        if was_refused and gateway.is_down:
            return REFUSED
        if was_slow and not got:
            return SLOW
        if word in gateway.doomed:
            wrong = cut(bytes(got), word)
            if wrong is not None:
                return self._is_wrong(wrong)
            return judged(bytes(got), word) if ended(got) else BROKEN
        kind = judged(bytes(got), word)
        if kind in KINDS:
            return kind
        seconds = anyio.current_time() - began
        return self._is_wrong(f"gateway {gateway.number}, after {seconds:.1f} s, {lost or 'ended'}: {kind}")

    def _is_wrong(self, what: str) -> str:
        self.wrong.append(what)
        return "wrong"
