"""Which parts of which pages are made, and by what: what stands between two markers.

<!-- begin: NAME -->
...
<!-- end: NAME -->
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.readme import replaced
from tests.docs.made import defaults, errors, events, metrics, services

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PARTS: Final[Mapping[str, Mapping[str, Callable[[], str]]]] = {
    "docs/reference/errors.md": {
        "errors": errors.table,
        "others": errors.others,
        "statuses": errors.statuses,
        "ends": errors.ends,
    },
    "docs/reference/defaults.md": {"defaults": defaults.tables},
    "docs/reference/events.md": {
        "lines": events.lines,
        "metrics": metrics.metrics,
        "gauges": metrics.gauges,
        "spans": metrics.spans,
    },
    "docs/reference/services.md": {"takes": services.takes, "wire": services.wire, "became": services.became},
}
"""Page -> name of the part -> what makes it."""


def filled(page: str, text: str) -> str:
    """Return the text of a page with its parts made anew."""
    for name, made in PARTS[page].items():
        text = replaced(text, name, made())
    return text
