"""The README's picture shows what the demo shows today."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from router.cli import app
from tests.docs.pages import read
from tests.docs.picture import COLUMNS, PICTURE, Piece, picture, pieces, text_in, without_times
from tests.router.cli.terminal import Output

if TYPE_CHECKING:
    import pytest


def test_the_picture_shows_what_the_demo_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a change of the demo: python -m tests.docs.picture"""
    terminal = Output()
    monkeypatch.setattr("sys.stdout", terminal)
    for name, value in (("COLUMNS", str(COLUMNS)), ("TERM", "xterm-256color")):
        monkeypatch.setenv(name, value)
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    assert app.run(["demo", "--speed", "20"]) == 0

    shown = re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue())
    assert without_times(shown) == without_times(text_in(PICTURE.read_text(encoding="utf-8")))


def test_the_picture_is_small_and_holds_no_script() -> None:
    svg = PICTURE.read_text(encoding="utf-8")

    assert len(svg.encode()) < 60 << 10
    assert "<script" not in svg
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "").replace("https://chat.example.org", "")
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert "](docs/demo.svg)" in read("README.md")


def test_a_recording_becomes_a_picture_of_the_same_text() -> None:
    output = [(0.0, "a  b\n\x1b[32m"), (0.5, "<c & d>"), (0.95, "\x1b[0m e\r\n"), (1.2, "f")]
    found = pieces(output)

    assert found[0] == Piece(0, 0, "a", "", 0.0)
    assert Piece(1, 0, "<c & d>", "g", 0.5) in found
    assert text_in(picture(found)) == "a  b\n<c & d> e\nf"
    assert without_times("x 0.12 s ░░█ 127.0.0.1:99\n") == "x T s BAR 127.0.0.1:PORT"
