"""`chat-router ask`: sends one question to the providers and streams the reply to standard output."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from adapters.contract import ChatRequest
from router import AllProvidersFailed, ReplyStream, RouterError, StreamInterrupted, Timeouts
from router.cli.exits import BROKE_OFF, FAILED, OK
from router.cli.failures import MODEL_HINT, lacks_model, sentence
from router.cli.mistakes import Mistake, one_line
from router.cli.output import Out, printable_json, say
from router.cli.waiting import Waiting
from router.cli.watching import brief, verbose
from router.events import RequestEnded

if TYPE_CHECKING:
    from router.cli.chain import OpenRouter
    from router.events import Attempt, Event
    from router.policy.prices import Cost


@dataclass(frozen=True, slots=True)
class Question:
    """What to ask, which providers, and how to show the reply.

    Attributes:
        chain: Opens the router to ask.
        prompt: The user's message.
        system: The system message, if there is one.
        model: The model to ask all of them for, if one is wanted.
        timeout: Seconds for the whole.
        options: Generation options.
        as_json: One JSON object at the end instead of the text as it comes.
        verbose: Tell each attempt on standard error.
    """

    chain: OpenRouter
    prompt: str
    system: str | None = None
    model: str | None = None
    timeout: float | None = None
    options: dict[str, Any] = field(default_factory=dict)
    as_json: bool = False
    verbose: bool = False

    @property
    def messages(self) -> list[dict[str, str]]:
        """The dialogue: the system message, where there is one, and the prompt."""
        system = [{"role": "system", "content": self.system}] if self.system else []
        return [*system, {"role": "user", "content": self.prompt}]

    def check(self, timeouts: Timeouts | None = None) -> tuple[Timeouts, dict[str, Any]]:
        """Return the timeouts, with the limit of `--timeout`, and the options.

        Raises:
            Mistake: One of them cannot be used.
        """
        options = {name: value for name, value in self.options.items() if value is not None}
        try:
            ChatRequest.build(self.messages, self.model, None, **options)
            timeouts = timeouts or Timeouts()
            return timeouts if self.timeout is None else replace(timeouts, total=self.timeout), options
        except (TypeError, ValueError) as error:
            text = one_line(str(error))
            if self.timeout is not None:
                text = text.replace(f"Timeouts(total={self.timeout!r})", f"--timeout {self.timeout:g}")
            raise Mistake(text) from None


def read_prompt(given: str | None) -> str:
    """Return the prompt: the argument, or standard input where it is missing or `-`.

    Raises:
        Mistake: There is none, or standard input is no text.
    """
    prompt = given
    if prompt is None and (sys.stdin is None or sys.stdin.isatty()):
        raise Mistake("there is no prompt; give it as an argument, as in: ask 'Hello', or pipe it in")
    if prompt is None or prompt == "-":
        try:
            prompt = sys.stdin.buffer.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise Mistake(f"standard input is not UTF-8 (at byte {error.start}); convert it first") from None
    if not prompt.strip():
        raise Mistake("the prompt is empty; say what to ask")
    return prompt


async def ask(question: Question) -> int:
    """Ask, print, and return the exit code: 0 complete, 1 no provider answered, 3 the reply broke off."""
    out = Out()
    waiting = Waiting()
    watch = verbose if question.verbose else brief

    def tell(event: Event) -> None:
        if isinstance(event, RequestEnded):
            out.end()  # the line about the end stands on a line of its own
        watch(event)

    async with question.chain([tell, waiting]) as router:
        timeouts, options = question.check(router.timeouts)
        stream: ReplyStream | None = None
        error: RouterError | None = None
        text: list[str] = []
        try:
            async with waiting.over():
                stream = await router.stream(question.messages, question.model, timeouts=timeouts, **options)
                async with stream:
                    async for delta in stream:
                        text.append(delta.text)
                        if not question.as_json and delta.text:
                            waiting.end()
                            out.write(delta.text)
        except RouterError as raised:
            error = raised
        finally:
            out.end()
    if question.as_json:
        sys.stdout.write(_as_json(stream, "".join(text), error) + "\n")
        sys.stdout.flush()
    if error is not None:
        say(f"chat-router: {sentence(error)}")
        if question.model is None and lacks_model(error):
            say(f"chat-router: {MODEL_HINT}")
        return BROKE_OFF if isinstance(error, StreamInterrupted) else FAILED
    if stream is not None and stream.final_text is not None and not question.as_json:
        say("chat-router: the service's own final version of this reply differs; --json shows it")
    return OK


def _as_json(stream: ReplyStream | None, text: str, error: RouterError | None) -> str:
    """Return the one object of `--json`: the reply, what it ended with, and the ledger."""
    attempts = stream.attempts if stream is not None else error.attempts if error is not None else ()
    verdict = stream.verdict if stream is not None else "failed"
    found = {
        "verdict": verdict,
        "text": text,
        "final_text": stream.final_text if stream is not None else None,
        "provider": stream.provider if stream is not None else None,
        "model": stream.model if stream is not None else None,
        "finish_reason": stream.finish_reason if stream is not None else None,
        "usage": asdict(stream.usage) if stream is not None and stream.usage is not None else None,
        "cost": _cost(None if stream is None else stream.cost),
        "error": None if error is None else {"type": type(error).__name__, "message": sentence(error)},
        "retry_after_seconds": error.retry_after if isinstance(error, AllProvidersFailed) else None,
        "attempts": [_attempt(attempt) for attempt in attempts],
    }
    utf8 = "utf" in (sys.stdout.encoding or "").lower()
    text = json.dumps(found, indent=2, ensure_ascii=not utf8)
    return printable_json(text) if sys.stdout.isatty() else text


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "provider": attempt.provider,
        "key": attempt.key,
        "number": attempt.number,
        "round": attempt.round,
        "phase": attempt.phase,
        "outcome": attempt.outcome,
        "error": type(attempt.error).__name__ if attempt.error is not None else None,
        "reason": attempt.reason,
        "started_seconds": round(attempt.started, 3),
        "seconds": round(attempt.seconds, 3),
        "dropped_options": list(attempt.dropped),
        "cost": _cost(attempt.cost),
        "wasted": attempt.wasted,
    }


def _cost(cost: Cost | None) -> dict[str, str] | None:
    return None if cost is None else {"amount": f"{cost.amount:f}", "currency": cost.currency}
