"""The session of a browser that the user drives with selenium: its cookies and its user agent.

A driver is not thread-safe, and each of its calls blocks: it is asked in a worker thread, by one at a time.
It is never told to go anywhere, and never closed.
"""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Any, Final, Protocol

import anyio
import anyio.to_thread

from adapters.contract.errors import AuthenticationFailed
from adapters.http.cookies.files import cookie_of_object
from adapters.http.settings import cookie_of, header_of, token_of
from adapters.http.status import wall_clock

if TYPE_CHECKING:
    import httpx

_PATIENCE: Final = 10.0  # seconds for a driver to answer
_locks: weakref.WeakKeyDictionary[object, threading.Lock] = weakref.WeakKeyDictionary()


class WebDriver(Protocol):
    """What is used of selenium's WebDriver."""

    def get_cookies(self) -> list[dict[str, Any]]:
        """Return the cookies of the page that is shown."""
        ...

    def execute_script(self, script: str, *args: Any) -> Any:
        """Return what a script returns."""
        ...


class BrowserSession:
    """The session that a driven browser has at one site.

    Args:
        driver: A selenium WebDriver.
        base: Where the site is.
        path: The path below it that is asked for.

    Attributes:
        headers: The cookies and the user agent, as headers; empty before the first `read`.
        values: The values among them that are secret.

    Raises:
        TypeError: It is no driver.
    """

    def __init__(self, driver: WebDriver, base: httpx.URL, path: str) -> None:
        if not (callable(getattr(driver, "get_cookies", None)) and hasattr(driver, "execute_script")):
            raise TypeError(
                f"webdriver is {type(driver).__name__}; pass a selenium WebDriver, such as "
                "selenium.webdriver.Firefox() (pip install '.[browser]' in chat-router's folder)"
            )
        self._driver = driver
        self._base = base
        self._path = base.path.rstrip("/") + path
        self._lock = _locks.setdefault(driver, threading.Lock())
        self.headers: tuple[tuple[str, str], ...] = ()
        self.values: tuple[str, ...] = ()

    async def read(self, *, known: tuple[tuple[str, str], ...] = ()) -> bool:
        """Read the session; return whether it is another one than `known`.

        Who finds that somebody else has read another one meanwhile takes that.

        Raises:
            AuthenticationFailed: The browser does not answer, or has no session for the site.
        """
        found: list[tuple[tuple[tuple[str, str], ...], tuple[str, ...]]] = []
        with anyio.move_on_after(_PATIENCE) as scope:
            found.append(await anyio.to_thread.run_sync(self._read, known, abandon_on_cancel=True))
        if scope.cancelled_caught or not found:
            raise AuthenticationFailed(
                f"the browser did not answer within {_PATIENCE:g} s; is it still open?"
            )
        self.headers, self.values = found[0]
        return self.headers != known

    def _read(
        self, known: tuple[tuple[str, str], ...]
    ) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
        with self._lock:
            if self.headers and self.headers != known:
                return self.headers, self.values
            try:
                told = self._driver.get_cookies()
                agent = self._driver.execute_script("return navigator.userAgent")
            except Exception as error:  # noqa: BLE001 - whatever a driver raises
                raise AuthenticationFailed(
                    f"the browser cannot be asked for its session ({type(error).__name__}); is it still open?"
                ) from None
        return self._headers(told, agent)

    def _headers(
        self, told: list[dict[str, Any]], agent: Any
    ) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
        now = wall_clock().timestamp()
        values: dict[str, str] = {}
        why = []
        try:
            stored = [cookie_of_object(each, "a cookie of the browser") for each in told]
            for cookie in sorted(stored, key=lambda each: len(each.path)):
                if not cookie.is_of(self._base.host):
                    continue
                reason = cookie.why_not(self._base, self._path, now)
                if reason is not None:
                    why.append(reason)
                elif cookie.value is not None:
                    sent = cookie_of(token_of(cookie.name, "cookie"), cookie.value)
                    values[cookie.name] = sent.reveal()
            user_agent = header_of("user-agent", agent).reveal()
        except (TypeError, ValueError) as error:
            raise AuthenticationFailed(f"the browser's session cannot be used: {error}") from None
        if not values:
            told_why = f" ({'; '.join(why)})" if why else ""
            raise AuthenticationFailed(
                f"the browser has no cookie for {self._base.host}{told_why}; open {self._base} in its "
                "window, sign in there, leave it open, and ask again"
            )
        cookies = "; ".join(f"{name}={value}" for name, value in values.items())
        return (("cookie", cookies), ("user-agent", user_agent)), (cookies, *values.values())
