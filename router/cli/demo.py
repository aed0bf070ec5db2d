"""`chat-router demo`: three parts over real sockets, with real adapters; it checks its own results."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import anyio

from router import AllProvidersFailed, Router, StreamInterrupted, Timeouts
from router.cli.demo_providers import run_services, services
from router.cli.demo_screen import DemoScreen
from router.cli.exits import FAILED, OK
from router.cli.mistakes import Mistake
from router.cli.output import console_for, printable
from router.report import as_table, as_text, summary

if TYPE_CHECKING:
    from router import Attempt
    from router.cli.demo_providers import RunningServices

PROMPT: Final = "How do I get a dependable answer?"
_DELAY: Final = 0.03  # seconds before each word
_PAUSE: Final = 0.5  # seconds before each part
_PATIENCE: Final = 1.0  # seconds for the first content
_EXPECTED: Final = [
    ("open_assistant", "ConnectFailed"),
    ("opchatgpts", "RateLimited"),
    ("h2o", "FirstContentTimeout"),
    ("chat_anywhere", "EmptyReply"),
    ("aura", "committed"),
]


def check_speed(speed: float) -> float:
    """Return `speed`.

    Raises:
        Mistake: It is out of range.
    """
    if not 0.1 <= speed <= 100:
        raise Mistake(f"--speed {speed:g} is out of range; use 0.1 to 100; 2 is twice as fast")
    return speed


async def demo(prompt: str, speed: float) -> int:
    """Run the demonstration; return 0 where everything went as expected, else 1."""
    started = anyio.current_time()
    screen = DemoScreen(console_for(sys.stdout))
    async with run_services(services(prompt), _DELAY / speed) as running:
        demonstration = Demonstration(running, screen, prompt, _PAUSE / speed)
        async with Router(
            running.adapters, timeouts=Timeouts(first_content=_PATIENCE), observers=[screen.watch]
        ) as router:
            await demonstration.run(router)
    return demonstration.verdict(anyio.current_time() - started)


class Demonstration:
    """The three parts.

    Args:
        running: The simulated services.
        screen: Where the output goes.
        prompt: The question of the first part.
        pause: Seconds before each part.
    """

    def __init__(self, running: RunningServices, screen: DemoScreen, prompt: str, pause: float) -> None:
        self._running = running
        self._screen = screen
        self._prompt = prompt
        self._pause = pause
        self._surprises: list[str] = []
        self._texts = {each.service: each.text or "" for each in running.services}

    async def run(self, router: Router) -> None:
        """Run the parts in order; the first request that no provider answers ends it."""
        self._introduce()
        try:
            await self._one_question(router)
            await self._broken_off(router)
            await self._remembered(router)
        except AllProvidersFailed as error:
            self._expect(str(error), "an answer")
        for service, simulator in self._running.simulators.items():
            unknown = [received.target for received in simulator.unknown]
            self._expect(f"{service} was asked for {unknown}", f"{service} was asked for []")

    def verdict(self, seconds: float) -> int:
        """Say whether everything went as expected, and return the exit code."""
        screen = self._screen
        screen.line()
        for surprise in self._surprises:
            screen.line(f"{screen.signs['bad']} {surprise}", "red")
        if self._surprises:
            return FAILED
        screen.line(
            f"{screen.signs['good']} Everything went as it should, in {seconds:.1f} s. "
            "Your own providers next: chat-router init",
            "green",
        )
        return OK

    def _introduce(self) -> None:
        screen = self._screen
        screen.line("chat-router: one dependable stream out of six undependable services.", "bold")
        screen.line("They are simulated on 127.0.0.1; adapters, sockets and failures are real.", "dim")
        screen.line()
        width = max(len(each.service) for each in self._running.services)
        for number, each in enumerate(self._running.services, 1):
            style = "red" if each.fault else "green"
            screen.line(f"  {number}. {each.service:<{width}}  {each.words}", style)

    async def _begin(self, title: str, words: str) -> None:
        await anyio.sleep(self._pause)
        self._screen.heading(title)
        self._screen.line(words)
        self._screen.line()

    async def _one_question(self, router: Router) -> None:
        screen = self._screen
        await self._begin("1. One question", f"You: {self._prompt}")
        started = anyio.current_time()
        async with await router.stream([{"role": "user", "content": self._prompt}]) as reply:
            screen.begin_reply()
            text = ""
            async for delta in reply:
                text += delta.text
                screen.write_reply(delta.text)
            screen.end_reply()
        seconds = anyio.current_time() - started
        screen.line(
            f"{screen.signs['good']} {reply.verdict}, by {reply.provider}. "
            "When each provider had the question:"
        )
        screen.line()
        screen.timeline(reply.attempts, seconds)
        self._expect([(a.provider, _end(a)) for a in reply.attempts], _EXPECTED)
        self._expect(text, self._texts["aura"])
        self._expect(reply.verdict, "complete")

    async def _broken_off(self, router: Router) -> None:
        screen = self._screen
        await self._begin(
            "2. A reply that breaks off", "Only openai is asked; it closes the connection halfway."
        )
        self._running.simulators["openai"].set_fault("cut")
        interrupted = None
        try:
            async with await router.stream(
                [{"role": "user", "content": "Tell me a story"}], providers=["openai"]
            ) as reply:
                screen.begin_reply()
                async for delta in reply:
                    screen.write_reply(delta.text)
        except StreamInterrupted as error:
            interrupted = error
        screen.end_reply()
        if interrupted is None:
            self._expect("the reply ended as if it were complete", "StreamInterrupted")
            return
        cause = type(interrupted.__cause__).__name__
        screen.line(
            f"{screen.signs['bad']} StreamInterrupted: {interrupted.verdict} ({cause}). The "
            f"{len(interrupted.partial)} characters that came are in its `partial`. The router never "
            "presents half a reply as a whole one, and never joins it with another provider's text.",
            "red",
        )
        self._expect(interrupted.verdict, "truncated")
        partial = interrupted.partial
        self._expect(bool(partial) and self._texts["openai"].startswith(partial), True)

    async def _remembered(self, router: Router) -> None:
        screen = self._screen
        await self._begin(
            "3. What it remembers", "h2o works again, and the same question is asked once more."
        )
        self._running.simulators["h2o"].set_fault(None)
        reply = await router.complete([{"role": "user", "content": self._prompt}])
        screen.begin_reply()
        screen.line(printable(reply.text), "cyan", indent=2)
        screen.line()
        screen.line(f"{screen.signs['good']} {reply.verdict}, by {reply.provider}. The health report now:")
        screen.line()
        report = router.health()
        if screen.console.is_terminal:
            screen.console.print(as_table(report))
        else:
            screen.console.print(as_text(report, screen.width), soft_wrap=True)
        screen.line()
        screen.line(summary(report))
        ends = [(a.provider, _end(a)) for a in reply.attempts]
        self._expect(
            ends, [("open_assistant", "ConnectFailed"), ("opchatgpts", "skipped"), ("h2o", "committed")]
        )
        self._expect(reply.text, self._texts["h2o"])

    def _expect(self, seen: object, expected: object) -> None:
        if seen != expected:
            self._surprises.append(f"expected {expected!r}, but saw {seen!r}")


def _end(attempt: Attempt) -> str:
    return attempt.outcome if attempt.error is None else type(attempt.error).__name__
