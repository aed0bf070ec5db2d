"""Which parts of which pages are made, and by what: what stands between two markers.

<!-- begin: NAME -->
...
<!-- end: NAME -->
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tests.docs.made import defaults, errors, events, metrics, readme, services

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PARTS: Final[Mapping[str, Mapping[str, Callable[[], str]]]] = {
    "README.md": {"beside": readme.beside, "figures": readme.figures},
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
    "docs/reference/services.md": {
        "takes": services.takes,
        "wire": services.wire,
        "answers": services.answers,
        "became": services.became,
    },
}
"""Page -> name of the part -> what makes it."""


def replaced(text: str, name: str, content: str, *, blank: bool) -> str:
    """Return the text with new content between the two markers of a name.

    Args:
        text: Of a page.
        name: Of the part.
        content: What stands there from now on.
        blank: Whether blank lines stand around it; the README has no line to spare.

    Raises:
        LookupError: The text has no such markers.
    """
    begin, end = f"<!-- begin: {name} -->", f"<!-- end: {name} -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(text):
        raise LookupError(f"the page has no `{begin}` and `{end}`; add them, each on a line of its own")
    between = "\n\n" if blank else "\n"
    return pattern.sub(lambda _: f"{begin}{between}{content.strip()}{between}{end}", text)


def filled(page: str, text: str) -> str:
    """Return the text of a page with its parts made anew."""
    for name, made in PARTS[page].items():
        text = replaced(text, name, made(), blank=page != "README.md")
    return text
