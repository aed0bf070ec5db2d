"""What a run found, as JSON files that are kept: sections of measurements, the machine, and the versions."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.figures import Measured, rounded

if TYPE_CHECKING:
    from collections.abc import Sequence

RESULTS: Final = Path(__file__).parent / "results"
PACKAGES: Final = (
    "httpx", "httpcore", "httptools", "httpx-aiohttp", "aiohttp", "anyio", "trio", "uvloop", "msgspec",
)  # fmt: skip


def versions() -> dict[str, str]:
    """Return the version of each package that takes part, of those that are installed."""
    found: dict[str, str] = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, Any]:
    """Return the day, the interpreter, the system and its processors, and how busy they are."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "day": datetime.now(UTC).date().isoformat(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.release().partition('-')[0]} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load_before": None if load is None else round(load, 1),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or "unknown processor")


def described(record: dict[str, Any]) -> str:
    """Return the machine and the versions of a record as two sentences."""
    of = record["machine"]
    load = "" if of["load_before"] is None else f", load {of['load_before']} when it began"
    packages = ", ".join(f"{name} {number}" for name, number in sorted(record["versions"].items()))
    return (
        f"{of['day']}, {of['python']}, {of['system']}, {of['cores']} × {of['processor']}{load}. "
        f"Versions: {packages}."
    )


def as_json(found: Sequence[Measured]) -> list[dict[str, Any]]:
    """Return measurements as JSON, each figure as the list of its runs."""
    return [
        {
            "case": each.case,
            "subject": each.subject,
            "upstream": rounded(each.upstream, 2),
            "runs": {key: rounded([run[key] for run in each.runs]) for key in each.runs[0]},
        }
        for each in found
    ]


def from_json(values: Sequence[dict[str, Any]]) -> list[Measured]:
    """Return the measurements of `as_json`."""
    return [
        Measured(
            each["case"],
            each["subject"],
            tuple(
                dict(zip(each["runs"], figures, strict=True))
                for figures in zip(*each["runs"].values(), strict=True)
            ),
            each["upstream"],
        )
        for each in values
    ]


def save(name: str, record: dict[str, Any], folder: Path = RESULTS) -> None:
    """Write a record as `NAME.json`; each measurement is one line, so that differences can be read."""
    folder.mkdir(parents=True, exist_ok=True)
    lines: list[str] = []
    for key, value in record.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            inner = ",\n".join("  " + json.dumps(each, allow_nan=False) for each in _without_nan(value))
            lines.append(f" {json.dumps(key)}: [\n{inner}\n ]")
        else:
            lines.append(f" {json.dumps(key)}: {json.dumps(_without_nan(value), allow_nan=False)}")
    (folder / f"{name}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def load(name: str, folder: Path = RESULTS) -> dict[str, Any] | None:
    """Return the record `NAME.json`, or None where it was never made; a figure that was missing is NaN."""
    file = folder / f"{name}.json"
    if not file.exists():
        return None
    record: dict[str, Any] = _with_nan(json.loads(file.read_text(encoding="utf-8")))
    return record


def _without_nan(value: Any) -> Any:
    if isinstance(value, float) and value != value:
        return {"nan": True}
    if isinstance(value, dict):
        return {key: _without_nan(part) for key, part in value.items()}
    return [_without_nan(part) for part in value] if isinstance(value, list) else value


def _with_nan(value: Any) -> Any:
    if value == {"nan": True}:
        return float("nan")
    if isinstance(value, dict):
        return {key: _with_nan(part) for key, part in value.items()}
    return [_with_nan(part) for part in value] if isinstance(value, list) else value
