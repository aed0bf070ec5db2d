"""`chat-router demo`: three acts over real sockets, with real adapters, and a check that all went as told."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import anyio

from router import AllProvidersFailed, Router, StreamInterrupted, Timeouts
from router.cli.demo_providers import cast_of, roles
from router.cli.demo_screen import Stage
from router.cli.exits import FAILED, OK
from router.cli.mistakes import Mistake
from router.cli.output import console_for, printable
from router.report import as_table, as_text, summary

if TYPE_CHECKING:
    from router import Attempt
    from router.cli.demo_providers import Cast

PROMPT: Final = "How do I get a dependable answer?"
_DELAY: Final = 0.03  # seconds before each word
_PAUSE: Final = 0.5  # seconds before each act
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
        raise Mistake(f"--speed {speed:g} is out of range; 1 is the usual pace, 2 twice as fast, up to 100")
    return speed


async def demo(prompt: str, speed: float) -> int:
    """Play, and return the exit code: 0 where everything went as expected, else 1."""
    started = anyio.current_time()
    stage = Stage(console_for(sys.stdout))
    async with cast_of(roles(prompt), _DELAY / speed) as cast:
        play = Play(cast, stage, prompt, _PAUSE / speed)
        async with Router(
            cast.adapters, timeouts=Timeouts(first_content=_PATIENCE), observers=[stage.watch]
        ) as router:
            await play.all(router)
    return play.verdict(anyio.current_time() - started)


class Play:
    """The three acts.

    Args:
        cast: The services.
        stage: What they are shown on.
        prompt: The question of the first act.
        pause: Seconds before each act.
    """

    def __init__(self, cast: Cast, stage: Stage, prompt: str, pause: float) -> None:
        self._cast = cast
        self._stage = stage
        self._prompt = prompt
        self._pause = pause
        self._surprises: list[str] = []
        self._texts = {role.service: role.text or "" for role in cast.roles}

    async def all(self, router: Router) -> None:
        """Play the acts in order; one that fails wholly ends the play."""
        self._introduce()
        try:
            await self._one_question(router)
            await self._broken_off(router)
            await self._remembered(router)
        except AllProvidersFailed as error:
            self._expect(str(error), "an answer")
        for service, simulator in self._cast.simulators.items():
            unknown = [received.target for received in simulator.unknown]
            self._expect(f"{service} was asked for {unknown}", f"{service} was asked for []")

    def verdict(self, seconds: float) -> int:
        """Say whether everything went as expected, and return the exit code."""
        stage = self._stage
        stage.line()
        for surprise in self._surprises:
            stage.line(f"{stage.signs['bad']} {surprise}", "red")
        if self._surprises:
            return FAILED
        stage.line(
            f"{stage.signs['good']} Everything went as it should, in {seconds:.1f} s. Ask real services: "
            "chat-router ask 'Hello' --provider h2o=https://chat.example.org",
            "green",
        )
        return OK

    def _introduce(self) -> None:
        stage = self._stage
        stage.line("chat-router: one dependable stream out of six undependable services.", "bold")
        stage.line("They are simulated on 127.0.0.1; adapters, sockets and failures are real.", "dim")
        stage.line()
        width = max(len(role.service) for role in self._cast.roles)
        for number, role in enumerate(self._cast.roles, 1):
            style = "red" if role.fault else "green"
            stage.line(f"  {number}. {role.service:<{width}}  {role.words}", style)

    async def _act(self, title: str, words: str) -> None:
        await anyio.sleep(self._pause)
        self._stage.heading(title)
        self._stage.line(words)
        self._stage.line()

    async def _one_question(self, router: Router) -> None:
        stage = self._stage
        await self._act("1. One question", f"You: {self._prompt}")
        started = anyio.current_time()
        async with await router.stream([{"role": "user", "content": self._prompt}]) as reply:
            stage.begin()
            async for delta in reply:
                stage.speak(delta.text)
            stage.end()
            text = await reply.read_text()
        seconds = anyio.current_time() - started
        stage.line(f"{stage.signs['good']} {reply.verdict}, by {reply.provider}. Who had the question when:")
        stage.line()
        stage.timeline(reply.attempts, seconds)
        self._expect([(a.provider, _end(a)) for a in reply.attempts], _EXPECTED)
        self._expect(text, self._texts["aura"])
        self._expect(reply.verdict, "complete")

    async def _broken_off(self, router: Router) -> None:
        stage = self._stage
        await self._act("2. A reply that breaks off", "openai is asked alone, and hangs up halfway.")
        self._cast.simulators["openai"].set_fault("cut")
        interrupted = None
        try:
            async with await router.stream(
                [{"role": "user", "content": "Tell me a story"}], providers=["openai"]
            ) as reply:
                stage.begin()
                async for delta in reply:
                    stage.speak(delta.text)
        except StreamInterrupted as error:
            interrupted = error
        stage.end()
        if interrupted is None:
            self._expect("the reply ended as if it were complete", "StreamInterrupted")
            return
        cause = type(interrupted.__cause__).__name__
        stage.line(
            f"{stage.signs['bad']} StreamInterrupted: {interrupted.verdict} ({cause}). The "
            f"{len(interrupted.partial)} characters that came are in its `partial`. Half a reply is never "
            "passed off as a whole one, and never joined with another provider's.",
            "red",
        )
        self._expect(interrupted.verdict, "truncated")
        partial = interrupted.partial
        self._expect(bool(partial) and self._texts["openai"].startswith(partial), True)

    async def _remembered(self, router: Router) -> None:
        stage = self._stage
        await self._act(
            "3. What it remembers", "h2o is well again, and the same question is asked once more."
        )
        self._cast.simulators["h2o"].set_fault(None)
        reply = await router.complete([{"role": "user", "content": self._prompt}])
        stage.begin()
        stage.line(printable(reply.text), "cyan", indent=2)
        stage.line()
        stage.line(f"{stage.signs['good']} {reply.verdict}, by {reply.provider}. What is known now:")
        stage.line()
        report = router.health()
        if stage.console.is_terminal:
            stage.console.print(as_table(report))
        else:
            stage.console.print(as_text(report, stage.width), soft_wrap=True)
        stage.line()
        stage.line(summary(report))
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
