"""The output of the demonstration: headings, attempts as they happen, a reply word by word, a timeline.

Every line is written once, from left to right; nothing is ever written over. So the same code serves a
terminal, where rich adds colours, and a file.
"""

from __future__ import annotations

import re
import textwrap
from contextlib import suppress
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from router.cli.mistakes import one_line
from router.cli.output import printable
from router.cli.watching import trouble
from router.events import AttemptEnded, AttemptStarted, CleanUpFailed, RequestStarted, WaitStarted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from router.events import Attempt, Event

_FANCY = {"go": "→", "good": "✓", "bad": "✗", "skip": "·", "wait": "░", "reply": "█", "rule": "─"}
_SIMPLE = {"go": ">", "good": "+", "bad": "x", "skip": "-", "wait": ".", "reply": "#", "rule": "-"}
_COLOURS = {"committed": "green", "failed": "red", "skipped": "yellow", "cancelled": "yellow"}
_MARKS = {"committed": "good", "failed": "bad", "skipped": "skip", "cancelled": "skip"}


class DemoScreen:
    """Writes what happens.

    Args:
        console: Where.

    Attributes:
        signs: The signs that the console's encoding has.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.width = console.width
        try:
            "".join(_FANCY.values()).encode(console.encoding)
            self.signs = _FANCY
        except (UnicodeEncodeError, LookupError):
            self.signs = _SIMPLE
        self._names = 0
        self._column = 0
        self._gap = ""

    def line(self, text: str = "", style: str = "", indent: int = 0) -> None:
        """Write `text`, wrapped at words."""
        space = " " * indent
        for each in textwrap.wrap(printable(text), self.width - indent) or [""]:
            self._put(f"{space}{each}\n" if each else "\n", style)

    def heading(self, text: str) -> None:
        """Begin a part."""
        rule = self.signs["rule"]
        self.line()
        self._put(f"{rule}{rule} {text} {rule * max(2, self.width - len(text) - 4)}\n\n", "bold")

    def watch(self, event: Event) -> None:
        """Show an attempt as it happens; an observer of the router."""
        with suppress(BrokenPipeError):  # an observer that fails is told of; the next line raises it again
            self._watch(event)

    def _watch(self, event: Event) -> None:
        match event:
            case RequestStarted():
                self._names = max(map(len, event.providers))
            case AttemptStarted():
                self._put(f"  {self.signs['go']} {event.provider:<{self._names}}  ")
            case AttemptEnded() if event.attempt.outcome == "skipped":
                attempt = event.attempt
                self._put(f"  {self.signs['skip']} {attempt.provider:<{self._names}}  ")
                self._put("skipped\n", "yellow")
                self.line(attempt.reason, "dim", indent=self._indent)
            case AttemptEnded():
                self._show(event.attempt)
            case WaitStarted():
                self.line(f"the next round starts in {event.seconds:.1f} s", "dim", indent=4)
            case CleanUpFailed():
                pass  # after Ctrl-C the simulated services end, too, and nothing remains there
            case _:
                trouble(event)

    def _show(self, attempt: Attempt) -> None:
        mark = self.signs[_MARKS[attempt.outcome]]
        if attempt.error is None:
            self._put(f"{mark} answers after {attempt.seconds:.2f} s\n", _COLOURS[attempt.outcome])
            return
        error = type(attempt.error).__name__
        self._put(f"{mark} {error} after {attempt.seconds:.2f} s\n", _COLOURS[attempt.outcome])
        self.line(one_line(attempt.reason).removeprefix(f"{attempt.provider}: "), "dim", indent=self._indent)

    @property
    def _indent(self) -> int:
        """Where an attempt's reason begins: below its outcome, or further left where there is little room."""
        return self._names + 6 if self.width >= 70 else 4

    def begin_reply(self) -> None:
        """Begin a reply."""
        self._put("\n")
        self._column, self._gap = 0, ""

    def write_reply(self, text: str) -> None:
        """Write a piece of a reply, and break lines between words."""
        for piece in re.findall(r"\n|[^\S\n]+|\S+", printable(text)):
            if piece == "\n":
                self._put("\n")
                self._column, self._gap = 0, ""
            elif piece.isspace():
                self._gap += " "
            else:
                self._word(piece)

    def _word(self, word: str) -> None:
        if self._column and self._column + len(self._gap) + len(word) > self.width - 2:
            self._put("\n")
            self._column = 0
        before = self._gap if self._column else "  "
        self._put(before + word, "cyan")
        self._column += len(before) + len(word)
        self._gap = ""

    def end_reply(self) -> None:
        """End a reply."""
        self._put("\n" if not self._column else "\n\n")
        self._column = 0

    def timeline(self, attempts: Sequence[Attempt], seconds: float) -> None:
        """Show when each provider had the request: before the first content, and while it replied.

        Args:
            attempts: The ledger.
            seconds: The whole request.
        """
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, justify="right")
        rows = [(attempt, self._outcome(attempt, seconds)) for attempt in attempts]
        names, ends = max(len(a.provider) for a in attempts), max(len(end) for _, end in rows)
        room = max(8, self.width - names - ends - 6)
        for attempt, outcome in rows:
            bar = self._bar(attempt, max(seconds, 0.001), room)
            table.add_row(Text(f"  {attempt.provider}"), bar, Text(outcome, _COLOURS[attempt.outcome]))
        self.console.print(table)
        wait, reply = self.signs["wait"], self.signs["reply"]
        self.line(f"  {' ' * names} {wait} until the first content  {reply} the reply", "dim")

    def _outcome(self, attempt: Attempt, seconds: float) -> str:
        if attempt.outcome == "skipped":
            return "skipped"
        answered = attempt.error is None
        time = f"{seconds - attempt.started if answered else attempt.seconds:.2f} s"
        if self.width < 60:  # what it was is in the attempts above
            return time
        return f"{'answered' if answered else type(attempt.error).__name__} {time}"

    def _bar(self, attempt: Attempt, seconds: float, room: int) -> Text:
        start = min(room - 1, int(attempt.started / seconds * room))
        wait = 0 if attempt.outcome == "skipped" else max(1, round(attempt.seconds / seconds * room))
        wait = min(wait, room - start)
        reply = room - start - wait if attempt.outcome == "committed" else 0
        bar = Text(" " * start)
        bar.append(self.signs["wait"] * wait, _COLOURS[attempt.outcome])
        bar.append(self.signs["reply"] * reply, "green")
        bar.append(" " * (room - start - wait - reply))
        return bar

    def _put(self, text: str, style: str = "") -> None:
        self.console.print(Text(text, style), end="", soft_wrap=True)
        self.console.file.flush()
