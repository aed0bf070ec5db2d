"""The heads of requests to one service. What does not change between them is put together once. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from adapters.http.body import Body
from adapters.http.transport import Origin, request_head

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.contract.secret import Secret
    from adapters.http.transport import RequestHead

    Pairs = tuple[tuple[str, str], ...]

_KEPT = 32  # the fixed paths of a service; those with ids in them come after


class Heads:
    """Makes the heads of requests below one base URL.

    Args:
        base: Where the service is.
        fixed: Headers of each request, unless others replace them; names in lower case.
        headers: The configured ones, which replace those.
        cookies: The configured ones.
    """

    __slots__ = ("_base", "_cookies", "_fixed", "_headers", "_host", "_made", "_newest", "_origin", "_urls")

    def __init__(
        self,
        base: httpx.URL,
        fixed: Mapping[str, str],
        headers: Mapping[str, Secret],
        cookies: Mapping[str, Secret],
    ) -> None:
        self._base = base
        self._fixed = fixed
        self._headers = headers
        self._cookies = cookies
        tls = base.scheme == "https"
        self._origin = Origin(tls, base.raw_host.decode("ascii"), base.port or (443 if tls else 80))
        self._host = base.netloc.decode("ascii")
        self._urls: dict[str, httpx.URL] = {}
        self._made: dict[tuple[str, str, Pairs, tuple[str, ...]], RequestHead] = {}
        self._newest: tuple[RequestHead, Pairs, RequestHead] | None = (
            None  # with credentials, mostly the same
        )

    def head(
        self, method: str, path: str, headers: Pairs, query: Mapping[str, str] | None, credentials: Pairs
    ) -> RequestHead:
        """Return the head of a request; `credentials` replace whatever has their names.

        Raises:
            ValueError: Something has no form in HTTP.
        """
        names = tuple([name.lower() for name, _ in credentials]) if credentials else ()
        key = (method, path, headers, names)
        made = None if query else self._made.get(key)
        if made is None:
            made = self._make(method, self.url(path, query), headers, names)
            if not query and len(self._made) < _KEPT:
                self._made[key] = made
        if not credentials:
            return made
        if self._newest is not None and self._newest[0] is made and self._newest[1] == credentials:
            return self._newest[2]
        pairs = [(name.encode("ascii"), value.encode("ascii")) for name, value in credentials]
        head = made.with_headers(pairs)
        self._newest = made, credentials, head
        return head

    def request(
        self,
        method: str,
        path: str,
        content: bytes,
        headers: Pairs,
        query: Mapping[str, str] | None,
        credentials: Pairs,
    ) -> httpx.Request:
        """Return a whole request as httpx has it."""
        sent = self._merged(headers) | {name.lower(): value for name, value in credentials}
        request = httpx.Request(method, self.url(path, query), headers=sent, content=content)
        request.stream = Body(content)
        return request

    def url(self, path: str, query: Mapping[str, str] | None = None) -> httpx.URL:
        """Return the address of a path below the base."""
        url = self._urls.get(path)
        if url is None:
            prefix = self._base.raw_path.rstrip(b"/")
            url = self._base.copy_with(raw_path=prefix + path.encode("ascii"))
            if len(self._urls) < _KEPT:
                self._urls[path] = url
        return url if query is None else url.copy_with(params=query)

    def _make(self, method: str, url: httpx.URL, headers: Pairs, replaced: tuple[str, ...]) -> RequestHead:
        sent = {"host": self._host} | self._merged(headers)
        pairs = [
            (name.encode("ascii"), value.encode("ascii"))
            for name, value in sent.items()
            if name not in replaced
        ]
        return request_head(self._origin, method.encode("ascii"), url.raw_path, pairs)

    def _merged(self, headers: Pairs) -> dict[str, str]:
        sent = {**self._fixed, **{name.lower(): value for name, value in headers}}
        sent |= {name.lower(): value.reveal() for name, value in self._headers.items()}
        if self._cookies:
            cookies = [f"{name}={value.reveal()}" for name, value in self._cookies.items()]
            sent["cookie"] = "; ".join([*cookies, sent["cookie"]] if "cookie" in sent else cookies)
        return sent
