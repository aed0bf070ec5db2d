"""Defects to put into the router one by one: each breaks a promise, and the simulated world has to notice.

Each is the text of one place, which has to be there exactly once, and what stands there instead.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Defect(NamedTuple):
    """A change for the worse.

    Attributes:
        what: What goes wrong with it.
        file: Where.
        old: The right text.
        new: The wrong one.
        seed: The first seed to play: that of a world that needs it.
        backend: Where to play; None for both.
    """

    what: str
    file: str
    old: str
    new: str
    seed: int = 0
    backend: str | None = "asyncio"


_CALL: Final = "router/request/call.py"
_ASKING: Final = "router/request/candidate.py"
_STREAM: Final = "router/reply/stream.py"
_OPENING: Final = "router/reply/commitment.py"
_RETRY: Final = "router/policy/retry.py"
_CLOCKS: Final = "router/policy/timeouts.py"
_LEDGER: Final = "router/request/ledger.py"

DELIVERY: Final = (
    Defect("another provider takes over unasked", _CALL, 'action == "raise"', 'action == "never"'),
    Defect("the first content is lost", _STREAM, "deque(opening.early)", "deque(opening.early[:-1])"),
    Defect(
        "the first content comes twice",
        _STREAM,
        "deque(opening.early)",
        "deque(opening.early + opening.early[-1:])",
    ),
    Defect(
        "an overlap is shown twice", _STREAM, 'Seam(self._transcript.text if continued else "")', 'Seam("")'
    ),
    Defect(
        "a truncated reply ends in silence",
        _STREAM,
        "        error = self._opening.learned(raised, anyio.current_time())\n",
        "        if isinstance(raised, StopAsyncIteration):\n"
        '            await self._close("complete")\n'
        "            raise anyio.EndOfStream\n"
        "        error = self._opening.learned(raised, anyio.current_time())\n",
    ),
    Defect("the partial text is forgotten", _OPENING, "partial=transcript.text,", 'partial="",'),
    Defect(
        "a cancelled request has no end record",
        _CALL,
        '            self._ledger.end_without_reply("cancelled", None, terms.clock())\n            raise',
        "            raise",
    ),
    Defect(
        "a reply ends with two records",
        _STREAM,
        "            self._ended = True\n",
        "            self._tell_end()\n            self._ended = True\n",
    ),
    Defect(
        "a cancelled attempt leaves no line",
        _ASKING,
        "        except BaseException:\n            self._learn_nothing(it.permit)\n            line.end",
        "        except Exception:\n            self._learn_nothing(it.permit)\n            line.end",
    ),
    Defect(
        "who broke off is named as who answers",
        _CALL,
        "Switch(action, left, committed.provider.name,",
        "Switch(action, left, left,",
    ),
)

TIME: Final = (
    Defect(
        "an attempt may outlive the deadline",
        _CLOCKS,
        "return min(timeouts.first_content, share, remaining)",
        "return timeouts.first_content",
    ),
    Defect(
        "an attempt starts in the last moment",
        _CLOCKS,
        "return self.at - now >= MINIMUM",
        "return self.at > now",
    ),
    Defect(
        "a reply may outlive the deadline", "router/reply/clock.py", "self._deadline.at)\n", "now + 1e9)\n"
    ),
    Defect(
        "a round waits beyond the deadline",
        _RETRY,
        "            if now + wait + MINIMUM <= self._deadline.at:\n                line.earliest",
        "            if True:\n                line.earliest",
    ),
    Defect("patience has no end", _RETRY, "elif wait > self._policy.patience:", "elif False:"),
    Defect(
        "a Retry-After is forgotten",
        "router/provider/provider.py",
        "until = now + min(pause, policy.remember)",
        "until = now",
    ),
    Defect(
        "an endless clean-up is waited for",
        "router/reply/generator.py",
        "move_on_after(seconds, shield=True)",
        "move_on_after(seconds + 5, shield=True)",
        seed=180,
    ),
    Defect(
        "the first content has half of its time",
        "router/request/attempt.py",
        "with anyio.move_on_after(limit) as scope:",
        "with anyio.move_on_after(limit / 2) as scope:",
    ),
    Defect(
        "a reply stalls at once",
        "router/reply/clock.py",
        "silent = self._content_at + self._timeouts.stall",
        "silent = self._content_at + 0.2",
    ),
    Defect(
        "jitter from a source of its own",
        _RETRY,
        "return random_source.uniform(",
        "return __import__('random').uniform(",
        backend=None,
    ),
)

LOAD: Final = (
    Defect(
        "the budget is never empty",
        "router/policy/budget.py",
        "if self._tokens < 1 - _ROUNDING:",
        "if False:",
    ),
    Defect(
        "requests earn too much",
        "router/policy/budget.py",
        "self._move(now, self.share)",
        "self._move(now, self.share + 1)",
    ),
    Defect(
        "a takeover is free",
        _ASKING,
        "paid = paid or not self._ledger.asked(provider.name)",
        "paid = paid or number == 1",
    ),
    Defect(
        "a hedge is free",
        _CALL,
        "if second is None or not self._terms.budget.take(now):",
        "if second is None:",
        seed=145,
    ),
    Defect("staying is free", _ASKING, "            paid = False\n", ""),
    Defect(
        "one attempt too many",
        _RETRY,
        "line.used < self._policy.attempts",
        "line.used <= self._policy.attempts",
        seed=145,
    ),
    Defect(
        "a lost connection is repeated for ever",
        _RETRY,
        "first, line.repeated = not line.repeated, True",
        "first, line.repeated = True, True",
        seed=195,
    ),
    Defect(
        "asked again though that cannot help",
        _RETRY,
        "self._policy.disposition(error) is Disposition.RETRY",
        "self._policy.disposition(error) is not Disposition.ABORT",
    ),
    Defect(
        "a cancellation counts as a failure",
        _ASKING,
        "            permit.released()\n\n    def _reason",
        "            permit.failed(0.0)\n\n    def _reason",
        seed=500,
    ),
    Defect(
        "the caller's errors count as failures",
        _ASKING,
        "isinstance(error, NO_EVIDENCE)",
        "isinstance(error, type(None))",
    ),
    Defect(
        "a place is never given back",
        _OPENING,
        "        finally:\n            self.gone()\n",
        "        finally:\n            pass\n",
    ),
    Defect(
        "places are not counted",
        "router/provider/concurrency.py",
        "        if self.limit is None:\n",
        "        if True:\n",
    ),
    Defect(
        "a strategy loses candidates",
        "router/policy/strategy.py",
        "randrange(1, healthy)))\n        return ranked",
        "randrange(1, healthy)))\n        return ranked[:1]",
    ),
)

LEFTOVERS: Final = (
    Defect(
        "a failed generator is left open",
        "router/request/attempt.py",
        "        if not committed:\n            await close_generator(generator, close, report)\n",
        "",
    ),
    Defect(
        "a reply's generator is left open",
        _OPENING,
        "            await close_generator(self.generator, self.timeouts.close, self.report)",
        "            pass",
    ),
    Defect(
        "a takeover leaves the first open",
        _STREAM,
        "                await self._opening.let_go()\n                opening =",
        "                opening =",
    ),
    Defect(
        "a race leaves its loser running",
        "router/request/race.py",
        "            results.append(result)\n            tasks.cancel_scope.cancel()",
        "            results.append(result)",
    ),
    Defect(
        "a failing clean-up is not told",
        _OPENING,
        "        self.notify(CleanUpFailed(self.request_id, self.provider.name, error))",
        "        return",
    ),
    Defect(
        "a closed router lets its streams run",
        "router/request/in_flight.py",
        "await close_streams(list(self._streams))",
        "await close_streams([])",
        seed=490,
    ),
    Defect(
        "the key is shown",
        "adapters/http/client.py",
        "self.shown = PeerText(hidden if",
        "self.shown = PeerText([] if True else hidden if",
    ),
    Defect("the reply is shown", _OPENING, "what came is in `partial`", "what came is {transcript.text}"),
    Defect(
        "the prompt is shown",
        _CALL,
        "len(request.messages), request.model)",
        "len(request.messages), request.messages[0].text)",
    ),
)

DEFECTS: Final = DELIVERY + TIME + LOAD + LEFTOVERS
