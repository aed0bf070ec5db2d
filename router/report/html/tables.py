"""The tables of the page.

Their roles are written out, because a phone shows their rows as blocks, and some browsers take what is not
shown as a table for no table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.report.markup import element

if TYPE_CHECKING:
    from router.report.markup import Child, Element


def table(kind: str, caption: str, heads: Child, rows: Child) -> Element:
    """Return a table with a caption, one row of heads and its rows."""
    return element(
        "table",
        element("caption", caption, class_="quiet"),
        element("thead", element("tr", heads, role="row"), role="rowgroup"),
        element("tbody", rows, role="rowgroup"),
        role="table",
        class_=kind,
    )


def head(name: str, kind: str | None = None) -> Element:
    """Return the head of a column."""
    return element("th", name, scope="col", role="columnheader", class_=kind)


def row(name: Child, *cells: Child) -> Element:
    """Return a row, which begins with what it is about."""
    return element("tr", element("th", name, scope="row", role="rowheader"), cells, role="row")


def cell(content: Child, kind: str | None = None, name: str | None = None) -> Element:
    """Return a cell.

    Args:
        content: What it holds.
        kind: Its class of style.
        name: What a phone writes before it, where there are no heads above it.
    """
    return element("td", content, role="cell", class_=kind, data_name=name)
