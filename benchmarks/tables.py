"""Writes what was measured: tables, the figures as JSON, and an SVG bar chart that needs no colour."""

from __future__ import annotations

import json
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.running import Measured

BASE: Final = "httpx"
PACKAGES: Final = ("httpx", "httpcore", "httptools", "aiohttp", "anyio", "trio", "uvloop", "msgspec")


def ratio(found: Sequence[Measured], case: str, subject: str, figure: str = "cpu") -> float | None:
    """Return a subject's median over that of raw httpx in the same case, or None where one is missing."""
    by_subject = {each.subject: each for each in found if each.case == case}
    if subject not in by_subject or BASE not in by_subject:
        return None
    return by_subject[subject].median(figure) / by_subject[BASE].median(figure)


def _cell(each: Measured, found: Sequence[Measured]) -> str:
    runs = [run["cpu"] for run in each.runs]
    part = ratio(found, each.case, each.subject)
    said = f"{each.median('cpu') * 1e6:.1f} µs ({min(runs) * 1e6:.1f}–{max(runs) * 1e6:.1f})"
    return said if part is None else f"**{part:.2f}** {said}"


def as_markdown(found: Sequence[Measured]) -> str:
    """Return one table a case: CPU, wall, first content, peak memory, replies that were not whole."""
    lines: list[str] = []
    for case in dict.fromkeys(each.case for each in found):
        lines += [
            f"### {case}",
            "",
            "| subject | CPU, ratio to raw httpx | wall | first content, p50 / p99 | peak | wrong "
            "| upstream busy |",
            "|---|---|---|---|---|---|---|",
        ]
        lines += [
            f"| {each.subject} | {_cell(each, found)} | {each.median('wall') * 1e3:.1f} ms "
            f"| {each.median('first') * 1e3:.2f} / {each.median('first_p99') * 1e3:.2f} ms "
            f"| {each.median('peak'):.0f} MiB | {each.wrong} | {each.upstream:.0%} |"
            for each in found
            if each.case == case
        ]
        lines.append("")
    return "\n".join(lines)


def as_svg(found: Sequence[Measured]) -> str:
    """Return the ratios of CPU to raw httpx as horizontal bars, each with its number."""
    rows = [
        (case, each.subject, part)
        for case in dict.fromkeys(each.case for each in found)
        for each in found
        if each.case == case and (part := ratio(found, case, each.subject)) is not None
    ]
    most = max((part for *_, part in rows), default=1.0)
    parts: list[str] = []
    y, seen = 10, ""
    for case, subject, part in rows:
        if case != seen:
            y, seen = y + 24, case
            parts.append(f'<text x="8" y="{y}" font-weight="bold">{escape(case)}</text>')
            y += 8
        width = 420 * part / most
        fill = "#444" if subject.startswith("ours") else "#bbb"
        parts.append(f'<text x="150" y="{y + 11}" text-anchor="end">{escape(subject)}</text>')
        parts.append(f'<rect x="158" y="{y}" width="{width:.1f}" height="14" fill="{fill}" stroke="#222"/>')
        parts.append(f'<text x="{164 + width:.1f}" y="{y + 11}">{part:.2f}</text>')
        y += 18
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="660" height="{y + 12}" font-family="sans-serif" '
        'font-size="12" role="img" aria-label="CPU of each subject, raw httpx = 1">'
        '<rect width="100%" height="100%" fill="white"/>'
    )
    return head + "".join(parts) + "</svg>\n"


def machine() -> str:
    """Return the versions and the kind of machine of this run, as one line."""
    versions: list[str] = []
    for name in PACKAGES:
        try:
            versions.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    day = datetime.now(UTC).date().isoformat()
    return f"{day}, CPython {platform.python_version()}, {platform.machine()}, {', '.join(versions)}"


def write(found: Sequence[Measured], folder: Path, name: str) -> None:
    """Write the figures, the chart and the tables of a run into a folder, under `name`."""
    folder.mkdir(parents=True, exist_ok=True)
    figures: list[dict[str, Any]] = [
        {"case": each.case, "subject": each.subject, "upstream": each.upstream, "runs": each.runs}
        for each in found
    ]
    content = {"machine": machine(), "measured": figures}
    (folder / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    (folder / f"{name}.svg").write_text(as_svg(found), encoding="utf-8")
    (folder / f"{name}.md").write_text(f"{machine()}\n\n{as_markdown(found)}", encoding="utf-8")
