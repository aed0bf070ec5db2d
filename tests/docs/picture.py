"""Makes docs/demo.svg, the README's picture, of what `chat-router demo` shows on a terminal.

python -m tests.docs.picture

The picture is a recording: each piece of the output appears when it came. It needs no script, has its own
background, so that it can be read on light and on dark pages, and shows its first screen where nothing moves.
"""

from __future__ import annotations

import os
import pty
import re
import struct
import subprocess
import sys
import termios
from dataclasses import dataclass
from fcntl import ioctl
from html import escape
from time import monotonic
from typing import TYPE_CHECKING, Final

from tests.docs.pages import ROOT
from tests.router.cli.command import COMMAND, environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

PICTURE: Final = ROOT / "docs" / "demo.svg"
COLUMNS: Final = 80
ROWS: Final = 32
"""Of the screen that is shown; what is longer scrolls."""
_WIDE, _HIGH, _BELOW, _PAD, _TOP = 8, 18, 4, 16, 34
_GRAIN: Final = 0.1
"""Seconds within which pieces appear together."""
_REST: Final = 4.0
"""Seconds that the end stays."""
_COLOURS: Final = {"31": "r", "32": "g", "33": "y", "36": "c", "1": "b", "2": "d"}
_STYLE: Final = (
    "text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#d7dce4}"
    ".r{fill:#ff7b72}.g{fill:#7ee787}.y{fill:#e3b341}.c{fill:#79c0ff}.d{fill:#9aa4b2}"
    ".b{fill:#fff;font-weight:bold}"
)
_SEQUENCE: Final = re.compile(r"\x1b\[([0-9;]*)m|\r?\n")
_GAP: Final = re.compile(r"\S+(?: \S+)*")


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text of one style.

    Attributes:
        row: Its line.
        column: Where it begins.
        text: The text.
        style: The class of its colour, or nothing.
        at: Seconds from the start.
    """

    row: int
    column: int
    text: str
    style: str = ""
    at: float = 0.0


def recorded() -> list[tuple[float, str]]:
    """Run the demo on a terminal; return what it wrote, and when."""
    outer, inner = pty.openpty()
    ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    found: list[tuple[float, bytes]] = []
    with subprocess.Popen(
        [*COMMAND, "demo"], stdin=subprocess.DEVNULL, stdout=inner, env=environment(), cwd=ROOT
    ) as process:
        os.close(inner)
        start: float | None = None
        while piece := _read(outer):
            start = monotonic() if start is None else start
            found.append((monotonic() - start, piece))
    os.close(outer)
    if process.returncode:
        raise SystemExit(f"the demo failed with {process.returncode}, and no picture was made")
    text = b"".join(piece for _, piece in found).decode()  # a character may come in two pieces
    times = [at for at, piece in found for _ in piece]
    place = 0
    out: list[tuple[float, str]] = []
    for character in text:
        out.append((times[place], character))
        place += len(character.encode())
    return out


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux says so where the other side is closed
        return b""


def pieces(shown: Iterable[tuple[float, str]]) -> list[Piece]:
    """Return the pieces of an output, in their order.

    Args:
        shown: When it came, and text with the escape sequences of colours.
    """
    times, characters = [], []
    for at, text in shown:
        times += [at] * len(text)
        characters.append(text)
    whole = "".join(characters)
    found: list[Piece] = []
    row = column = place = 0
    style = ""
    for match in [*_SEQUENCE.finditer(whole), None]:
        end = len(whole) if match is None else match.start()
        found += _runs(whole[place:end], times[place:end], Piece(row, column, "", style))
        column += end - place
        if match is None:
            break
        place = match.end()
        if match[1] is None:
            row, column = row + 1, 0
        else:
            style = next((_COLOURS[each] for each in match[1].split(";") if each in _COLOURS), "")
    return found


def _runs(text: str, times: Sequence[float], at: Piece) -> Iterator[Piece]:
    """Yield the parts of a text that came together, without the blanks around them."""
    ends = [n for n in range(1, len(text)) if int(times[n] / _GRAIN) != int(times[n - 1] / _GRAIN)]
    for begin, end in zip([0, *ends], [*ends, len(text)], strict=True):
        for match in _GAP.finditer(text, begin, end):
            yield Piece(at.row, at.column + match.start(), match[0], at.style, times[match.start()])


def picture(found: Sequence[Piece]) -> str:
    """Return the SVG of the pieces."""
    moments = sorted({int(piece.at / _GRAIN) for piece in found})
    length = found[-1].at + _REST
    names = {moment: f"t{number}" for number, moment in enumerate(moments)}
    for_all = f"{length:.1f}s steps(1) infinite"
    rules = [
        f"@keyframes {name}{{0%{{opacity:0}}{_percent(moment, length)}{{opacity:1}}}}"
        f".{name}{{animation:{name} {for_all}}}"
        for moment, name in names.items()
        if moment
    ]
    moved = [f"{when}{{transform:translateY(-{rows * _HIGH}px)}}" for when, rows in _scrolls(found, length)]
    screen = f"@keyframes s{{0%{{transform:none}}{''.join(moved)}}}"
    screen += f"#s{{animation:s {for_all}}}"
    wide, high = COLUMNS * _WIDE + 2 * _PAD, ROWS * _HIGH + _TOP + _PAD
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" role="img">',
        "<title>chat-router demo: four of six services fail, the fifth answers</title>",
        f"<style>{_STYLE}{screen}",
        *rules,
        "@media(prefers-reduced-motion){*{animation:none!important}}</style>",
        f'<rect width="{wide}" height="{high}" rx="10" fill="#161b22" stroke="#484f58"/>',
        '<circle cx="20" cy="18" r="6" fill="#ff5f57"/><circle cx="40" cy="18" r="6" fill="#febc2e"/>'
        '<circle cx="60" cy="18" r="6" fill="#28c840"/>',
        f'<text class="d" x="{wide // 2}" y="23" text-anchor="middle">chat-router demo</text>',
        f'<svg y="{_TOP}" width="{wide}" height="{ROWS * _HIGH}"><g id="s">',
        *(_drawn(piece, names[int(piece.at / _GRAIN)]) for piece in found),
        "</g></svg></svg>",
    ]
    return "\n".join(lines) + "\n"


def _drawn(piece: Piece, moment: str) -> str:
    x, y = _PAD + piece.column * _WIDE, (piece.row + 1) * _HIGH - _BELOW
    classes = " ".join(each for each in (piece.style, "" if moment == "t0" else moment) if each)
    style = f' class="{classes}"' if classes else ""
    place = f'x="{x}" y="{y}" textLength="{len(piece.text) * _WIDE}"'
    return f"<text{style} {place}>{escape(piece.text, quote=False)}</text>"


def _scrolls(found: Sequence[Piece], length: float) -> Iterator[tuple[str, int]]:
    """Yield when the screen moves up, and by how many rows from its start."""
    rows = 0
    for piece in found:
        if piece.row - ROWS + 1 > rows:
            rows = piece.row - ROWS + 1
            yield _percent(int(piece.at / _GRAIN), length), rows


def _percent(moment: int, length: float) -> str:
    return f"{100 * moment * _GRAIN / length:.2f}%"


def text_in(svg: str) -> str:
    """Return the text that a picture shows, line by line."""
    rows: dict[int, list[tuple[int, str]]] = {}
    for x, y, text in re.findall(r'<text[^>]* x="(\d+)" y="(\d+)" textLength="\d+">([^<]*)</text>', svg):
        plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        rows.setdefault((int(y) + _BELOW) // _HIGH - 1, []).append(((int(x) - _PAD) // _WIDE, plain))
    lines = []
    for row in range(max(rows) + 1):
        line = ""
        for column, text in sorted(rows.get(row, [])):
            line = line.ljust(column) + text
        lines.append(line)
    return "\n".join(lines)


def without_times(text: str) -> str:
    """Return an output without what differs each time: times, bars of them, ports."""
    text = re.sub(r"\d+(\.\d+)?(?= s\b)|(?<=back in )\d+", "T", text)
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", text)
    text = re.sub(r"[░█]+", "BAR", text)
    return "\n".join(" ".join(line.split()) for line in text.strip().splitlines())


if __name__ == "__main__":
    PICTURE.write_text(picture(pieces(recorded())), encoding="utf-8")
    sys.stdout.write(f"{PICTURE}: {PICTURE.stat().st_size >> 10} KiB\n")
