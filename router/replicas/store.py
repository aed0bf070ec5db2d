"""Where the store is, and the way to it: one server, the master that Sentinels name, or a node of a Cluster.

    redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]          rediss://: over TLS
    unix://[USER:PASSWORD@]/PATH[?db=DATABASE]
    redis+sentinel://[USER:PASSWORD@]HOST[:PORT],…/SERVICE[/DATABASE]        rediss+sentinel://
    redis+cluster://[USER:PASSWORD@]HOST[:PORT],…           rediss+cluster://

All keys of a namespace are in one slot, so of a Cluster one node is spoken to. Whom to speak to is asked anew
for each connection; after a failover the old connection fails, and the next one finds the new master.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from router.replicas.scripts import Keys

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from urllib.parse import SplitResult

    from redis import Redis

CONNECT: Final = 2.0
"""Seconds to connect."""
ANSWER: Final = 1.0
"""Seconds for the store to answer."""
_PORTS: Final = {"": 6379, "cluster": 6379, "sentinel": 26379}
_FILES: Final = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_OF_TLS: Final = (*_FILES, "ssl_check_hostname")
_OF_SENTINEL: Final = ("sentinel_username", "sentinel_password")
_EXAMPLES: Final = (
    "write for example 'redis://127.0.0.1:6379/0', 'rediss://host:6380/0', 'unix:///run/redis.sock', "
    "'redis+sentinel://host1,host2,host3/SERVICE' or 'redis+cluster://host1,host2'"
)
_BOOLEANS: Final = {"true": True, "false": False}


@dataclass(frozen=True, repr=False)
class Store:
    """A store, as a URL says where it is.

    Attributes:
        kind: `sentinel`, `cluster`, or empty for one server.
        nodes: Hosts and ports; of a socket none.
        service: That Sentinels know the master by.
        socket: The path of a Unix socket, or empty.
        settings: For each connection to the store.
        of_sentinels: For each connection to a Sentinel.
    """

    kind: str
    nodes: tuple[tuple[str, int], ...]
    service: str
    socket: str
    settings: Mapping[str, Any]
    of_sentinels: Mapping[str, Any]

    def client(self, namespace: str) -> Redis:
        """Return a connected client that repeats nothing and waits for nothing long.

        Args:
            namespace: Of the chain, which decides about the node of a Cluster.

        Raises:
            redis.RedisError: There is no way to the store now.
            OSError: The same.
        """
        if self.socket:
            return _connected(unix_socket_path=self.socket, **self.settings)
        if self.kind == "sentinel":
            return self._first(self._of_master)
        if self.kind == "cluster":
            return self._first(lambda *node: self._of_slot(Keys(namespace).evidence, *node))
        host, port = self.nodes[0]
        return _connected(host=host, port=port, **self.settings)

    def _first(self, connect: Callable[[str, int], Redis]) -> Redis:
        """Return the client by way of the first node that knows one; they are asked in a random order."""
        from redis import RedisError

        failed: Exception | None = None
        for host, port in random.sample(self.nodes, len(self.nodes)):
            try:
                return connect(host, port)
            except (RedisError, OSError) as error:
                failed = error
        raise failed or OSError("there is no node")

    def _of_master(self, host: str, port: int) -> Redis:
        """Return a client of the master that one Sentinel names."""
        from redis import ConnectionError as Unreachable

        asking = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.service)
        named = _asked(asking, host=host, port=port, **self.of_sentinels)
        if not isinstance(named, list) or len(named) != 2:
            raise Unreachable("a Sentinel does not know the service")
        client = _connected(host=named[0].decode(), port=int(named[1]), **self.settings)
        role = client.execute_command("ROLE")  # type: ignore[no-untyped-call]  # redis-py has no types for it
        if not isinstance(role, list) or role[:1] != [b"master"]:
            client.close()
            raise Unreachable("a Sentinel named a server that is no master")
        return client

    def _of_slot(self, key: str, host: str, port: int) -> Redis:
        """Return a client of the node of a Cluster that has the slot of a key, as one node says."""
        from redis import ConnectionError as Unreachable
        from redis.crc import key_slot

        slot = key_slot(key.encode())
        for first, last, node, *_ in _asked(("CLUSTER", "SLOTS"), host=host, port=port, **self.settings):
            if first <= slot <= last:
                name = node[0].decode() if node[0] else host  # a node may not know its own address
                return _connected(host=name, port=int(node[1]), **self.settings)
        raise Unreachable("no node of the Cluster serves the namespace")


def store_of(url: str) -> Store:
    """Return the store that a URL names.

    Raises:
        ValueError: It names none, or something in it cannot be used; no message repeats a secret.
    """
    parts, scheme, kind = _split(url)
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    is_tls = scheme == "rediss"
    known = ["db"] if scheme == "unix" else [*_OF_TLS] if is_tls else []
    known += _OF_SENTINEL if kind == "sentinel" else ()
    for name in given:
        if name in _OF_TLS and not is_tls:
            raise _wrong(f"{name} is a setting of TLS; write rediss{'+' * bool(kind)}{kind}:// for that")
        if name not in known:
            raise _wrong(
                f"{name[:40]!r} cannot be set: connections have limits of their own; "
                f"what can be is {', '.join(known) or 'nothing, without TLS'}"
            )
    login, _, hosts = parts.netloc.rpartition("@")
    path = [unquote(each) for each in parts.path.split("/")[1:] if each]
    settings = {**_login(login), **_common(), **(_tls(given) if is_tls else {})}
    if scheme == "unix":
        socket = unquote(parts.path)
        if not path or hosts:
            raise _wrong("a socket has a path and no host: unix:///run/redis.sock")
        return Store("", (), "", socket, {**settings, "db": _database(given.get("db", "0"))}, {})
    nodes = _nodes(hosts, kind)
    service = path.pop(0) if kind == "sentinel" and path else ""
    if kind == "sentinel" and not service:
        raise _wrong("Sentinels need the name of the service: redis+sentinel://host1,host2/SERVICE")
    if kind == "cluster" and path not in ([], ["0"]):
        raise _wrong("a Cluster has the database 0 alone; leave the path out")
    if len(path) > 1:
        raise _wrong("its path is more than the number of a database")
    settings["db"] = _database(path[0] if path else "0")
    of_sentinels = {**settings, "db": 0, "username": None, "password": None}
    for name in _OF_SENTINEL:
        if name in given:
            of_sentinels[name.removeprefix("sentinel_")] = given[name]
    return Store(kind, nodes, service, "", settings, of_sentinels)


def _split(url: str) -> tuple[SplitResult, str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _wrong("it is not an address") from None
    scheme, _, kind = parts.scheme.partition("+")
    known = ("redis", "rediss", "unix") if not kind else ("redis", "rediss")
    if scheme not in known or kind not in _PORTS or parts.fragment:
        raise _wrong("it is not an address of a store")
    return parts, scheme, kind


def _nodes(hosts: str, kind: str) -> tuple[tuple[str, int], ...]:
    found = []
    for each in hosts.split(","):
        try:
            node = urlsplit(f"//{each}")
            port = node.port
        except ValueError:
            raise _wrong("a host or a port in it is none") from None
        if not node.hostname:
            raise _wrong("it lacks a host")
        found.append((node.hostname, _PORTS[kind] if port is None else port))
    if len(found) > 1 and not kind:
        raise _wrong("several hosts are either Sentinels or nodes of a Cluster; say which")
    return tuple(found)


def _login(login: str) -> dict[str, str | None]:
    name, _, password = login.partition(":")
    return {"username": unquote(name) or None, "password": unquote(password) or None}


def _database(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise _wrong("the number of its database is none")
    return int(text)


def _tls(given: Mapping[str, str]) -> dict[str, Any]:
    for name in _FILES:
        if name in given and not Path(given[name]).is_file():
            raise _wrong(f"{name} names no file that can be read: {given[name]!r}")
    checks = given.get("ssl_check_hostname", "true").lower()
    if checks not in _BOOLEANS:
        raise _wrong("ssl_check_hostname is true or false")
    found: dict[str, Any] = {name: given[name] for name in _FILES if name in given}
    return {**found, "ssl": True, "ssl_cert_reqs": "required", "ssl_check_hostname": _BOOLEANS[checks]}


def _common() -> dict[str, Any]:
    return {
        "socket_timeout": ANSWER,
        "socket_connect_timeout": CONNECT,
        "protocol": 2,  # its replies have one shape, on Redis 6 as on Valkey 9
        "single_connection_client": True,
    }


def _connected(**settings: Any) -> Redis:
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return Redis(**settings, retry=Retry(NoBackoff(), 0))


def _asked(words: tuple[str, ...], **settings: Any) -> Any:
    client = _connected(**settings)
    try:
        return client.execute_command(*words)  # type: ignore[no-untyped-call]  # redis-py has no types for it
    finally:
        client.close()


def _wrong(what: str) -> ValueError:
    return ValueError(f"Replicas(url=…): {what}; {_EXAMPLES}")
