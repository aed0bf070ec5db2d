"""A health report as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.health import HealthReport


def as_json(report: HealthReport) -> str:
    """Return `report` as indented JSON in ASCII; its fields are those of `HealthReport.as_dict()`."""
    return json.dumps(report.as_dict(), indent=2)
