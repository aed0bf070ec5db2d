"""A storm: clients by the hundred, upstreams that fail at random, clients that leave. Each request must end.

    python -m benchmarks.gateway.storm --clients 2000 --seconds 60
    python -m benchmarks.gateway.storm --clients 60 --seconds 3600     # an hour: memory each minute

Upstreams and the gateway are processes of their own. Each request has words of its own, so that a piece of
another one's reply shows; an answer is whole, or an HTTP error, or text, an error event and a broken body.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import anyio

from adapters import Limits, OpenAICompatible
from adapters.simulators.openai import OpenAISimulator
from benchmarks.figures import slope
from benchmarks.gateway.__main__ import process
from benchmarks.gateway.load import request_of
from benchmarks.gateway.server import listening, quiet
from router import RetryPolicy, Router, Timeouts
from router.gateway import GatewaySettings
from router.gateway.gateway import Gateway
from router.gateway.serving.garbage import collect_seldom
from router.gateway.serving.server import GatewayServer

if TYPE_CHECKING:
    from collections.abc import Sequence

WORDS: Final = 12
_FAULTS: Final = (
    *(None,) * 30, "429", "500", "503", "close", "reset", "cut", "cut_clean", "error_after", "stall_after",
)  # fmt: skip


async def upstreams() -> None:
    """Serve three upstreams that fail at random; print their addresses."""
    text = " ".join(["{prompt}"] * WORDS)
    chance = random.Random(7)
    async with (
        OpenAISimulator(text=text, delay=0.01, retry_after="0") as one,
        OpenAISimulator(text=text, delay=0.01, retry_after="0") as two,
        OpenAISimulator(text=text, delay=0.01, retry_after="0") as three,
    ):
        sys.stdout.write(json.dumps([each.url for each in (one, two, three)]) + "\n")
        sys.stdout.flush()
        while True:
            for each in (one, two, three):
                each.requests.clear()
                each.set_fault(chance.choice(_FAULTS))
            await anyio.sleep(0.2)


def gateway(urls: list[str], patience: float) -> None:
    """Serve the gateway before them; print its port."""
    limits = Limits(connections=4000)
    chain = [OpenAICompatible(f"{u}/v1", name=f"p{n}", model="m", limits=limits) for n, u in enumerate(urls)]
    timeouts = Timeouts(first_content=patience, stall=patience, total=3 * patience)
    router = Router(
        chain,
        timeouts=timeouts,
        retry=RetryPolicy(attempts=3, backoff=0.05, wait_for_held=True),
        observers=[],
    )
    listener = listening()
    quiet()
    collect_seldom()
    GatewayServer(Gateway(router, GatewaySettings(), local=True)).run([listener])


@dataclass
class Storm:
    """What the clients met.

    Attributes:
        port: Of the gateway.
        seconds: For which new requests are made.
        patience: Of the gateway with a silent upstream, in seconds; a request ends in three times as much.
        counts: How requests ended.
        wrong: What must not be, in words.
    """

    port: int
    seconds: float
    patience: float
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    async def run(self, clients: int) -> None:
        """Let so many clients ask until the time is over."""
        end = anyio.current_time() + self.seconds
        async with anyio.create_task_group() as group:
            for number in range(clients):
                group.start_soon(self._client, number, end)

    async def _client(self, number: int, end: float) -> None:
        chance = random.Random(number)
        await anyio.sleep(chance.random() * min(1.0, self.seconds / 2))
        count = 0
        while anyio.current_time() < end:
            word = f"c{number}r{count}"
            count += 1
            leaves = chance.random() * 0.2 if chance.random() < 0.1 else None
            answer = await self._ask(word, leaves, streams=chance.random() < 0.8)
            if answer is not None:
                kind = judged(answer, word)
                self.counts[kind if kind in KINDS else "wrong"] += 1
                if kind not in KINDS:
                    self.wrong.append(kind)
            await anyio.sleep(chance.random() * self.patience)

    async def _ask(self, word: str, leaves: float | None, *, streams: bool) -> bytes | None:
        request = request_of("/v1/chat/completions", "chat-router", word, streams=streams)
        got = bytearray()
        longest = 3 * self.patience + 30  # the clients themselves may be slow: they share the machine
        with anyio.move_on_after(longest if leaves is None else leaves) as scope:
            async with await anyio.connect_tcp("127.0.0.1", self.port) as connection:
                await connection.send(request)
                try:
                    while not ended(got):
                        got += await connection.receive()
                except (anyio.EndOfStream, anyio.BrokenResourceError):
                    pass
        if not scope.cancelled_caught:
            return bytes(got)
        if leaves is None:
            self.wrong.append(f"{word} did not end in {longest:g} s; it got {bytes(got[-200:])!r}")
        self.counts["left" if leaves is not None else "wrong"] += 1
        return None


KINDS: Final = ("whole", "interrupted", "status 429", "status 502", "status 503")


def ended(got: bytearray) -> bool:
    """Whether an answer is there, by its framing."""
    head, found, body = got.partition(b"\r\n\r\n")
    if not found:
        return False
    place = head.lower().find(b"content-length:")
    if place >= 0:
        return len(body) >= int(head[place + 15 :].split(b"\r\n", 1)[0])
    return got.endswith(b"0\r\n\r\n")


def judged(answer: bytes, word: str) -> str:
    """Return which kind of answer this is, or what is wrong with it."""
    expected = " ".join([word] * WORDS)
    head, _, body = answer.partition(b"\r\n\r\n")
    status = head[9:12].decode()
    if b"transfer-encoding: chunked" not in head.lower():
        try:
            document = json.loads(body)
        except ValueError:
            return f"{word}: no document: {answer[-300:]!r}"
        if status != "200":
            return f"status {status}" if "error" in document else f"{word}: no error: {document}"
        text = document["choices"][0]["message"]["content"]
        return "whole" if text == expected else f"{word}: not its reply: {text!r}"
    events = [part[6:] for part in unchunked(body).split(b"\n\n") if part.startswith(b"data: ")]
    chunks: list[Any] = [json.loads(event) for event in events if event != b"[DONE]"]
    text = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks if c.get("choices"))
    has_error, is_done, has_end = "error" in chunks[-1], events[-1] == b"[DONE]", body.endswith(b"0\r\n\r\n")
    if text == expected and is_done and has_end and not has_error:
        return "whole"
    if expected.startswith(text) and has_error and not is_done and not has_end:
        return "interrupted"
    return f"{word}: {text!r}, error {has_error}, done {is_done}, last chunk {has_end}"


def unchunked(body: bytes) -> bytes:
    """Return a body without its framing, as far as it came."""
    found = b""
    while b"\r\n" in body:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        found += body[:length]
        body = body[length + 2 :]
        if not length:
            break
    return found


def storm(clients: int, seconds: float) -> tuple[Storm, list[float]]:
    """Return what the clients met, and the gateway's memory in MiB after each part.

    A part is a quarter, of a long storm a minute. Between two parts no request is under way.
    """
    module = [sys.executable, "-m", "benchmarks.gateway.storm"]
    with process(*module, "--role", "upstreams") as served:
        urls = served.line()
        patience = max(2.0, clients / 100)
        options = ["--role", "gateway", "--urls", urls, "--patience", str(patience)]
        with process(*module, *options) as started:
            parts = max(4, int(seconds / 60))
            met = Storm(int(started.line()), seconds / parts, patience)
            memory = []
            for _ in range(parts):
                anyio.run(met.run, clients)
                memory.append(started.memory)
            anyio.run(anyio.sleep, 0.5)
            return met, memory


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


def main() -> None:
    """Run a role, or the storm; exit code 1 where something was wrong or grew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--role", choices=["storm", "upstreams", "gateway"], default="storm")
    parser.add_argument("--urls", default="[]")
    parser.add_argument("--patience", type=float, default=2)
    given = parser.parse_args()
    if given.role == "upstreams":
        anyio.run(upstreams)
    elif given.role == "gateway":
        gateway(json.loads(given.urls), given.patience)
    else:
        met, memory = storm(given.clients, given.seconds)
        print(dict(met.counts), "memory, MiB:", [round(each) for each in memory])
        for wrong in met.wrong[:20]:
            print(wrong)
        grew = growth(memory) > 0
        if met.wrong or grew:
            sys.exit(f"{len(met.wrong)} answers were wrong" + (", and the memory grew" if grew else ""))


if __name__ == "__main__":
    main()
