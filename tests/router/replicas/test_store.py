"""What a URL of a store says, and what is refused at once with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from router.replicas import Replicas
from router.replicas.store import store_of

if TYPE_CHECKING:
    from pathlib import Path


def test_one_server_by_address_by_tls_and_by_socket(tmp_path: Path) -> None:
    plain = store_of("redis://anna:p%40ss@host:7000/3")
    assert (("host", 7000),) == plain.nodes
    assert ("anna", "p@ss", 3) == tuple(plain.settings[name] for name in ("username", "password", "db"))
    assert (("::1", 6379),) == store_of("redis://[::1]").nodes
    assert "ssl" not in plain.settings

    authorities = tmp_path / "ca.pem"
    authorities.touch()
    over_tls = store_of(f"rediss://:secret@host?ssl_ca_certs={authorities}").settings
    assert (True, True, str(authorities)) == tuple(
        over_tls[name] for name in ("ssl", "ssl_check_hostname", "ssl_ca_certs")
    )
    assert not store_of("rediss://host?ssl_check_hostname=false").settings["ssl_check_hostname"]

    socket = store_of("unix://anna:secret@/run/redis.sock?db=2")
    assert ("/run/redis.sock", 2, "anna") == (
        socket.socket, socket.settings["db"], socket.settings["username"],
    )  # fmt: skip


def test_sentinels_have_a_login_of_their_own() -> None:
    store = store_of("redis+sentinel://anna:secret@a,b:1,[::1]:2/main/4?sentinel_password=other")

    assert ("sentinel", "main", 4) == (store.kind, store.service, store.settings["db"])
    assert (("a", 26379), ("b", 1), ("::1", 2)) == store.nodes
    assert (None, "other", 0) == tuple(store.of_sentinels[n] for n in ("username", "password", "db"))


def test_a_cluster_has_several_nodes() -> None:
    store = store_of("rediss+cluster://:secret@a:1,b")

    assert ("cluster", (("a", 1), ("b", 6379))) == (store.kind, store.nodes)
    assert store.settings["ssl"]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://user:hunter2@host", "not an address"),
        ("valkey://:hunter2@host", "not an address"),
        ("redis+magic://:hunter2@host", "not an address"),
        ("unix+cluster://:hunter2@/run/x", "not an address"),
        ("redis://", "lacks a host"),
        ("redis://:hunter2@", "lacks a host"),
        ("redis://:hunter2@host:port", "a port in it is none"),
        ("redis://:hunter2@host:99999", "a port in it is none"),
        ("redis://:hunter2@[::1", "not an address"),
        ("redis://:hunter2@a,b", "either Sentinels or nodes of a Cluster"),
        ("redis://:hunter2@host/one", "number of its database"),
        ("redis://:hunter2@host/1/2", "more than the number"),
        ("redis://:hunter2@host?socket_timeout=60", "'socket_timeout' cannot be set"),
        ("redis://:hunter2@host?decode_responses=true", "'decode_responses' cannot be set"),
        ("redis://:hunter2@host?ssl_ca_certs=/x", "write rediss://"),
        ("redis+cluster://:hunter2@host?ssl_ca_certs=/x", "write rediss\\+cluster://"),
        ("rediss://:hunter2@host?ssl_ca_certs=/nowhere", "ssl_ca_certs names no file"),
        ("rediss://:hunter2@host?ssl_check_hostname=perhaps", "true or false"),
        ("rediss://:hunter2@host?ssl_cert_reqs=none", "'ssl_cert_reqs' cannot be set"),
        ("redis+sentinel://:hunter2@a,b", "name of the service"),
        ("redis+sentinel://:hunter2@a,,b/main", "lacks a host"),
        ("redis+cluster://:hunter2@a,b/1", "database 0 alone"),
        ("unix://:hunter2@", "has a path and no host"),
        ("unix://hunter2@host/run/redis.sock", "has a path and no host"),
    ],
)
def test_what_cannot_be_used_is_refused_at_once_without_its_secret(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        Replicas(url)

    assert "hunter2" not in str(caught.value)
    assert "redis+sentinel://host1,host2,host3/SERVICE" in str(caught.value)
