"""`verify` as files: a private authority, a certificate to sign in with, over real TLS sockets."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from adapters import AdapterError, OpenAICompatible, Unreachable
from tests.adapters.bodies import read, text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.anyio
BODY = b'{"choices":[{"message":{"content":"signed in"},"finish_reason":"stop"}]}'
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
BROKEN = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
ANSWER = HEAD % len(BODY) + BODY


class Files:
    """An authority, and certificates of it, as PEM files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self.server = self.authority.issue_cert("127.0.0.1")
        client = self.authority.issue_cert("client@example.org")
        other = self.authority.issue_cert("other@example.org")
        self.folder = folder
        self.ca = self._kept("ca.pem", self.authority.cert_pem.bytes())
        chain = b"".join(each.bytes() for each in client.cert_chain_pems)
        self.cert = self._kept("client.pem", chain)
        self.key = self._kept("client.key", client.private_key_pem.bytes())
        self.both = self._kept("both.pem", chain + client.private_key_pem.bytes())
        self.wrong_key = self._kept("other.key", other.private_key_pem.bytes())
        self.no_pem = self._kept("der.crt", b"0\x82\x01\x02")
        self.broken = self._kept(
            "broken.pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        )
        secret = load_pem_private_key(client.private_key_pem.bytes(), None).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"canary-password")
        )
        self.encrypted = self._kept("encrypted.key", secret)

    def _kept(self, name: str, content: bytes) -> str:
        (self.folder / name).write_bytes(content)
        return str(self.folder / name)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def service(files: Files) -> Iterator[str]:
    """Serve a completion over TLS to whoever signs in with a certificate of the authority, in a thread."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    files.server.configure_cert(context)
    files.authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED

    over = threading.Event()

    def serve() -> None:
        while True:
            sock, _ = listener.accept()
            if over.is_set():
                sock.close()
                return
            sock.settimeout(30)  # a client that says nothing keeps no other waiting for ever
            with suppress(OSError), sock, context.wrap_socket(sock, server_side=True) as tls:
                got = b""
                while b"\r\n\r\n" not in got and (more := tls.recv(65536)):
                    got += more
                tls.sendall(ANSWER)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        port = listener.getsockname()[1]
        yield f"https://127.0.0.1:{port}/v1"
        over.set()
        socket.create_connection(("127.0.0.1", port)).close()  # so that it looks
        thread.join()


async def test_a_client_certificate_signs_in_over_our_own_transport(files: Files, service: str) -> None:
    for verify in (
        {"ca": files.ca, "cert": files.cert, "key": files.key},
        {"ca": files.ca, "cert": files.both},
        {"ca": files.ca, "cert": files.cert, "key": files.encrypted, "password": "canary-password"},
    ):
        adapter = OpenAICompatible(service, verify=verify, model="m")
        deltas, error = await read(adapter)
        await adapter.aclose()
        assert (text(deltas), error) == ("signed in", None)
        assert "over StreamTransport" in repr(adapter)


async def test_without_a_certificate_nobody_is_let_in(files: Files, service: str) -> None:
    adapter = OpenAICompatible(service, verify={"ca": files.ca}, model="m")
    deltas, error = await read(adapter)
    await adapter.aclose()

    assert not deltas
    assert isinstance(error, AdapterError)


async def test_without_the_authority_nothing_is_sent(files: Files, service: str) -> None:
    adapter = OpenAICompatible(service, verify={"cert": files.cert, "key": files.key}, model="m")
    _, error = await read(adapter)
    await adapter.aclose()

    assert isinstance(error, Unreachable)


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda f: {"ca": f"{f.folder}/none.pem"}, ValueError, "cannot be read: No such file"),
        (lambda f: {"ca": str(f.folder)}, ValueError, "cannot be read: Is a directory"),
        (lambda f: {"ca": f.no_pem}, ValueError, "is not a PEM file"),
        (lambda f: {"ca": f.broken}, ValueError, "no certificates that can be read"),
        (lambda f: {"cert": f.no_pem}, ValueError, "verify['cert']"),
        (lambda f: {"cert": f.cert}, ValueError, "cannot be used"),
        (lambda f: {"cert": f.cert, "key": f.wrong_key}, ValueError, "the key does not fit the certificate"),
        (lambda f: {"cert": f.cert, "key": f.encrypted}, ValueError, "encrypted; add its password"),
        (
            lambda f: {"cert": f.cert, "key": f.encrypted, "password": "canary-wrong"},
            ValueError,
            "cannot be decrypted with this password",
        ),
        (lambda f: {"key": f.key}, ValueError, "no cert to sign in with"),
        (lambda f: {}, ValueError, "names no file"),
        (lambda f: {"caa": f.ca}, TypeError, "did you mean 'ca'"),
        (lambda f: {"ca": 7}, TypeError, "verify['ca'] is int"),
    ],
)
def test_files_that_cannot_be_used_are_told_at_construction(
    files: Files, make: Any, error: type[Exception], said: str
) -> None:
    with pytest.raises(error) as caught:
        OpenAICompatible("https://localhost/v1", verify=make(files))

    assert said in str(caught.value)
    assert "canary" not in repr(caught.value)
