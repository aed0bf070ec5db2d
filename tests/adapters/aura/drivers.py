"""A driver that plays a browser's part: what it shows is set by the test, and it notes who asks it."""

from __future__ import annotations

import threading
from typing import Any


class PlayedDriver:
    """What selenium's WebDriver tells, without a browser."""

    def __init__(self, agent: str = "Mozilla/5.0 (played)") -> None:
        self.agent = agent
        self.cookies: list[dict[str, Any]] = []
        self.reads = 0
        self.threads: set[str] = set()
        self.at_once = 0
        self.most_at_once = 0
        self.broken: Exception | None = None

    def sign_in(self, session: str, domain: str = "127.0.0.1", **further: Any) -> None:
        self.cookies = [{"name": "session", "value": session, "domain": domain, "path": "/", **further}]

    def get_cookies(self) -> list[dict[str, Any]]:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            threading.Event().wait(0.01)
            self.reads += 1
            self.threads.add(threading.current_thread().name)
            if self.broken is not None:
                raise self.broken
            return self.cookies
        finally:
            self.at_once -= 1

    def execute_script(self, script: str, *args: Any) -> Any:
        assert script == "return navigator.userAgent"
        return self.agent
