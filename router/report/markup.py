"""Elements of XML and HTML. Trees and escaping are the standard library's; text is made harmless first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias
from xml.etree import ElementTree as ET

from router.report.words import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST: Final = 4000
"""Characters of one text; it may be made of several of a peer's, each of which is cut much earlier."""

Element: TypeAlias = ET.Element
Child: TypeAlias = "Element | str | Iterable[Child] | None"
"""What an element may hold: an element, text, nothing, or several of these."""


def element(tag: str, *children: Child, **attributes: str | float | None) -> Element:
    """Return an element.

    Args:
        tag: Its name.
        children: What it holds, in order. Text is data: it is cleaned here and escaped when it is written.
        attributes: As they are written, but for dashes, which are underscores here, and words of Python,
            which have an underscore behind them (`class_`). One that is None is left out.
    """
    made = ET.Element(tag)
    for name, value in attributes.items():
        if value is not None:
            text = clean(value, LONGEST) if isinstance(value, str) else f"{value:g}"
            made.set(name.rstrip("_").replace("_", "-"), text)
    for child in children:
        _add(made, child)
    return made


def _add(parent: Element, child: Child) -> None:
    if child is None:
        return
    if isinstance(child, ET.Element):
        parent.append(child)
    elif isinstance(child, str):
        _add_text(parent, child)
    else:
        for each in child:
            _add(parent, each)


def _add_text(parent: Element, text: str) -> None:
    # A space at an end separates words of two elements; `clean` would take it away.
    head, tail = " " * text.startswith(" "), " " * text.endswith(" ")
    said = f"{head}{clean(text, LONGEST)}{tail}" if text.strip() else " " * bool(text)
    if len(parent):
        last = parent[-1]
        last.tail = (last.tail or "") + said
    else:
        parent.text = (parent.text or "") + said


def written(root: Element, method: Literal["xml", "html"]) -> str:
    """Return the tree as text, indented by the standard library's rules for XML, in one piece for HTML."""
    if method == "xml":
        ET.indent(root)
    return ET.tostring(root, encoding="unicode", method=method)
