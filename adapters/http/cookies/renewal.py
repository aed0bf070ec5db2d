"""Cookies of a file or a browser's store, read again when the service says that the session has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio.to_thread

from adapters.contract.errors import Scope
from adapters.contract.secret import Secret
from adapters.http.cookies.source import SiteCookies, site_cookies

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from adapters.contract.errors import AdapterError


class CookieRenewal:
    """Reads the cookies of a site again from where they came.

    Args:
        given: The setting `cookies`: the path of a file, or a browser's store.
        base: Where the site is.
        path: The path below it that is asked for.
        known: What was read first.
        take: Takes other cookies into use.

    Attributes:
        serial: How often other cookies were taken.
    """

    def __init__(
        self,
        given: object,
        base: httpx.URL,
        path: str,
        known: SiteCookies,
        take: Callable[[SiteCookies], None],
    ) -> None:
        self._given = given
        self._base = base
        self._path = path
        self._values = _revealed(known)
        self._source = known.source
        self._take = take
        self.serial = 0

    async def renewed(self, seen: int) -> str | None:
        """Read the cookies again; return why there are no others, or None where there are.

        Args:
            seen: The `serial` when the refused request began.
        """
        if seen == self.serial:
            found = await anyio.to_thread.run_sync(self._read, abandon_on_cancel=True)
            if isinstance(found, str):
                return found
            if seen == self.serial:  # else somebody else has taken them meanwhile
                if _revealed(found) == self._values:
                    return self._the_same()
                try:
                    self._take(found)
                except (TypeError, ValueError) as error:
                    return str(error)
                self._values = _revealed(found)
                self.serial += 1
        return None

    async def judged(self, error: AdapterError, seen: int, *, again: bool) -> AdapterError:
        """Return what a refused session amounts to: another attempt where there are other cookies.

        Args:
            error: Of the attempt; it is changed.
            seen: The `serial` when the attempt began.
            again: Whether it may be repeated.
        """
        why = await self.renewed(seen)
        if why is not None:
            error.args = (f"{error}; {why}",)
        elif again:
            error.args = (f"{error}; {self._source} has other cookies now, which are taken",)
            error.scope, error.ambiguous, error.other_key = Scope.REQUEST, False, True
        return error

    def _the_same(self) -> str:
        return (
            f"cookies: {self._source} still has the same; open {self._base} in the browser, sign in there, "
            "and export its cookies to it again: it is read when the site refuses them"
        )

    def _read(self) -> SiteCookies | str:
        try:
            return site_cookies(self._given, self._base, self._path)
        except (TypeError, ValueError) as error:
            return str(error)


def _revealed(found: SiteCookies) -> dict[str, str]:
    return {name: v.reveal() if isinstance(v, Secret) else v for name, v in found.values.items()}
