"""Fills in what is made: `python -m tests.docs.made`."""

from __future__ import annotations

from tests.docs.made.pages import PARTS, filled
from tests.docs.pages import ROOT, read

for page in PARTS:
    (ROOT / page).write_text(filled(page, read(page)), encoding="utf-8")
