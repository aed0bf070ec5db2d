"""Cookies: each by name, or all from a file that a browser exported, or from the browser's own store.

cookies = { session = { env = "THE_SESSION" } }
cookies = { file = "cookies.txt" }
cookies = { browser = "firefox", profile = "/home/ann/.mozilla/firefox/abc.default" }
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adapters.http.cookies import BrowserCookies
from router.config.mistakes import found
from router.config.value_kinds import TableOf

if TYPE_CHECKING:
    from router.config.mistakes import Position
    from router.config.value_kinds import Schema


class Cookies(TableOf):
    """A table of cookies, or where they are."""

    def taken(self, value: Any, at: Position) -> Any:
        """Return the cookies, the path of their file, or the store they are in."""
        if isinstance(value.get("file"), str) and len(value) == 1:
            return self._file(value["file"], at / "file")
        if isinstance(value.get("browser"), str) and set(value) <= {"browser", "profile"}:
            return self._browser(value, at)
        return super().taken(value, at)

    def _file(self, name: str, at: Position) -> Any:
        reading = at.reading
        try:
            path = reading.folder / name
            inside = path.resolve().is_relative_to(reading.folder.resolve())
        except (OSError, ValueError, RuntimeError):
            return at.wrong("cannot be a path")
        if not reading.trusted and not inside:
            return at.wrong(
                "leads out of the folder of this file, which was found, not named; name it with --config"
            )
        return path

    def _browser(self, value: dict[str, Any], at: Position) -> Any:
        if not at.reading.trusted:
            return at.wrong(
                "asks for cookies of your browser, but this file was found, not named; name it with --config"
            )
        profile = value.get("profile")
        if profile is not None and not isinstance(profile, str):
            return (at / "profile").wrong(f"is {found(profile)}; it must be the folder of a profile, as text")
        try:
            return BrowserCookies(value["browser"], profile)
        except ValueError as error:
            return (at / "browser").wrong(str(error))

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """Return its JSON schema."""
        file = {
            "type": "object",
            "properties": {"file": {"type": "string", "description": "A file that a browser exported."}},
            "required": ["file"],
            "additionalProperties": False,
        }
        browser = {
            "type": "object",
            "properties": {"browser": {"enum": ["firefox"]}, "profile": {"type": "string"}},
            "required": ["browser"],
            "additionalProperties": False,
        }
        return {"anyOf": [super().schema(definitions), file, browser]}
