"""Parts of a message, from OpenAI's form to Anthropic's content blocks. Pure.

    text, refusal            text
    image_url                image, by its base64 data or its URL
    file with data           document
    image, document, …       as they are: a block that is written in Anthropic's own form

A `cache_control` on a part stays on its block. Forms: https://platform.claude.com/docs/en/build-with-claude/vision
and https://platform.claude.com/docs/en/build-with-claude/pdf-support.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from adapters.contract.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["blocks_of"]

_DATA: Final = re.compile(
    r"data:(?P<type>[\w.+-]+/[\w.+-]+)?(?:;[\w.+-]+=[^;,]*)*(?P<base64>;base64)?,", re.IGNORECASE
)
_JPG: Final = {"image/jpg": "image/jpeg"}
_KEPT: Final = "cache_control"


def blocks_of(content: str | Sequence[Mapping[str, Any]] | None) -> list[dict[str, Any]]:
    """Return the content blocks of a message's content. Empty text has no block: Anthropic refuses one.

    Raises:
        InvalidRequest: A part is of a kind, or of a form, that Anthropic does not take.
    """
    if content is None:
        return []
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return [block for part in content for block in _block(part)]


def _block(part: Mapping[str, Any]) -> list[dict[str, Any]]:
    kind = part.get("type")
    kept = {_KEPT: part[_KEPT]} if _KEPT in part else {}
    if kind in ("text", "refusal"):
        text = part.get(kind)
        return [{"type": "text", "text": text, **kept}] if isinstance(text, str) and text else []
    if kind == "image_url":
        return [{"type": "image", "source": _image(part["image_url"]["url"]), **kept}]
    if kind == "file":
        return [{**_document(part["file"]), **kept}]
    if kind in ("input_audio", "audio", "video_url"):
        raise InvalidRequest(
            f"Anthropic takes no part of type {kind!r}; leave it out, or ask a service that hears it"
        )
    return [dict(part)]


def _image(url: str) -> dict[str, Any]:
    if url[:8].lower().startswith(("https://", "http://")):
        return {"type": "url", "url": url}
    found = _DATA.match(url[:200])
    if found is None or not found["base64"] or not found["type"]:
        raise InvalidRequest(
            "an image is neither an http(s) URL nor base64 data; "
            "write its URL as https://… or data:image/png;base64,…"
        )
    kind = found["type"].lower()
    return {"type": "base64", "media_type": _JPG.get(kind, kind), "data": url[found.end() :]}


def _document(file: Mapping[str, Any]) -> dict[str, Any]:
    data = file.get("file_data")
    found = _DATA.match(data[:200]) if isinstance(data, str) else None
    if not isinstance(data, str) or found is None or not found["base64"] or not found["type"]:
        raise InvalidRequest(
            "a file has no base64 data that Anthropic could be sent; "
            "write its file_data as data:application/pdf;base64,…"
        )
    source = {"type": "base64", "media_type": found["type"].lower(), "data": data[found.end() :]}
    title = file.get("filename")
    return {"type": "document", "source": source, **({"title": title} if isinstance(title, str) else {})}
