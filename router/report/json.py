"""A health report as JSON; `health.schema.json` beside this file says what is in it."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from router.health.report import HealthReport


def as_json(report: HealthReport, *, at: datetime | None = None, indent: int | None = 2) -> str:
    """Return `report` as JSON in ASCII; its fields are those of `HealthReport.as_dict()`.

    Args:
        report: The report.
        at: When it was made, with its zone.
        indent: Spaces of each level; None puts everything into one line.

    Raises:
        ValueError: `at` has no zone.
    """
    return json.dumps(_sound(report.as_dict(at)), indent=indent, allow_nan=False)


def schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of what `as_json` writes."""
    text = files(__package__).joinpath("health.schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def _sound(value: Any) -> Any:
    """Return `value` without lone surrogates, which JSON can write and many readers refuse."""
    if isinstance(value, str):
        return (
            value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        )
    if isinstance(value, dict):
        return {_sound(name): _sound(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_sound(each) for each in value]
    return value
