"""What stands between an adapter and its service: proxies, TLS, and secrets that are not given but made."""

from __future__ import annotations

import json
import logging
import ssl
import warnings
from typing import TYPE_CHECKING, Any

import anyio
import anyio.abc
import httpx
import pytest

from adapters import (
    AdapterError,
    AuthenticationFailed,
    ConnectFailed,
    ConnectionLost,
    OpenAICompatible,
    Unreachable,
)
from adapters.contract import ChatRequest
from adapters.contract.secret import Plain, Secret
from adapters.http.proxies import proxy_from_environment, proxy_of
from router import Router

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

pytestmark = pytest.mark.anyio
BASE = httpx.URL("https://api.example.org/v1")
HELLO = ChatRequest.build([{"role": "user", "content": "Hello"}])
KEY = "sk-0123456789abcdef"
VARIABLES = ["http_proxy", "https_proxy", "all_proxy", "no_proxy"]


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def at(handler: Callable[[httpx.Request], httpx.Response], **settings: Any) -> OpenAICompatible:
    return OpenAICompatible(
        "http://127.0.0.1:9/v1", transport=httpx.MockTransport(handler), **{"name": "first", **settings}
    )


def answer(status: int, said: str) -> httpx.Response:
    return httpx.Response(status, stream=httpx.ByteStream(json.dumps({"error": {"message": said}}).encode()))


async def failure_of(adapter: OpenAICompatible) -> AdapterError:
    with pytest.raises(AdapterError) as caught:
        async for _ in adapter.stream(HELLO):
            pass
    await adapter.aclose()
    return caught.value


# --- proxies, checked where they are given


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        ("127.0.0.1:8080", "must begin with one of http://"),
        ("proxy.example.org", "must begin with one of http://"),
        ("ftp://127.0.0.1:8080", "must begin with one of http://"),
        ("http://", "names no host"),
        ("http://a:99999", "cannot be read|has the port"),
        ("http://[::1", "cannot be read"),
        ("socks4://127.0.0.1:1", "must begin with one of"),
    ],
)
def test_a_proxy_that_cannot_work_is_refused_where_it_is_given(
    proxy: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match=words):
        OpenAICompatible("https://api.example.org/v1", proxy=proxy)


def test_a_socks_proxy_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.http.proxies.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"pip install '.\[socks\]'"):
        OpenAICompatible("https://api.example.org/v1", proxy="socks5://me:hunter2@127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    with pytest.raises(ValueError, match="ALL_PROXY is a SOCKS proxy"):
        OpenAICompatible("https://api.example.org/v1", trust_env=True)


def test_the_password_of_a_proxy_that_cannot_work_is_not_shown() -> None:
    with pytest.raises(ValueError, match="must begin") as caught:
        OpenAICompatible("https://api.example.org/v1", proxy="ftp://me:hunter2@127.0.0.1:1")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("named", "found"),
    [
        ({"HTTPS_PROXY": "http://a:1"}, "http://a:1"),
        ({"HTTPS_PROXY": "a:1"}, "http://a:1"),
        ({"HTTP_PROXY": "http://a:1"}, None),
        ({"ALL_PROXY": "http://a:1"}, "http://a:1"),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "example.org"}, None),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": ".example.org, x"}, None),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "ample.org"}, "http://a:1"),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "api.example.org:443"}, None),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "api.example.org:8443"}, "http://a:1"),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "http://api.example.org"}, "http://a:1"),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "https://api.example.org"}, None),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "10.0.0.0/8,::1,fe80::/10"}, "http://a:1"),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "*"}, None),
        ({}, None),
    ],
)
def test_the_environment_names_a_proxy(
    named: dict[str, str], found: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    proxy = proxy_from_environment(BASE)
    assert (None if proxy is None else proxy.reveal()) == found
    assert proxy_of(None, BASE, trust_env=False) is None


@pytest.mark.parametrize(
    ("host", "entry"),
    [("10.1.2.3", "10.0.0.0/8"), ("[fe80::1]", "fe80::/10"), ("[fe80::1]", "[fe80::]/10"), ("[::1]", "::1")],
)
def test_ranges_of_addresses_need_no_proxy(host: str, entry: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://a:1")
    monkeypatch.setenv("NO_PROXY", entry)
    assert proxy_from_environment(httpx.URL(f"http://{host}:8000")) is None
    assert proxy_from_environment(httpx.URL("http://11.0.0.1")) is not None


@pytest.mark.parametrize("entry", ["10.0.0.0/33", "fe80::/200", "host/path"])
def test_a_range_that_is_none_is_named(entry: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://a:1")
    monkeypatch.setenv("NO_PROXY", f"localhost,{entry}")
    with pytest.raises(ValueError, match=f"NO_PROXY holds '{entry}'"):
        OpenAICompatible("https://api.example.org/v1", trust_env=True)


async def test_a_failed_connection_tells_of_a_proxy_that_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://me:hunter2@127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    error = await failure_of(OpenAICompatible("http://127.0.0.1:9/v1"))
    assert isinstance(error, ConnectFailed)
    assert "names a proxy (HTTP_PROXY), which is not used; pass trust_env=True" in str(error)
    assert "hunter2" not in str(error)
    monkeypatch.setenv("NO_PROXY", "127.0.0.0/8")
    assert "proxy" not in str(await failure_of(OpenAICompatible("http://127.0.0.1:9/v1")))


async def test_the_environment_counts_as_it_was_when_the_adapter_was_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    adapter = OpenAICompatible("http://127.0.0.1:9/v1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    assert "proxy" not in str(await failure_of(adapter))


async def test_407_is_the_word_of_a_proxy() -> None:
    error = await failure_of(at(lambda request: answer(407, "no"), api_key=KEY))
    assert isinstance(error, AuthenticationFailed)
    assert "the word of a proxy" in str(error)
    assert "check the key" not in str(error)

    def refuses(request: httpx.Request) -> httpx.Response:
        raise httpx.ProxyError("407 no, me:hunter2")

    error = await failure_of(at(refuses))
    assert isinstance(error, Unreachable)
    assert "the proxy demands a sign-in; give its user and password" in str(error)
    assert "hunter2" not in str(error)


# --- TLS


@pytest.mark.parametrize("setting", ["yes", None, 0, "/etc/ssl/ca.pem"])
def test_how_certificates_are_checked_is_a_switch_or_a_context(setting: object) -> None:
    with pytest.raises(TypeError, match=r"pass True, False or an ssl\.SSLContext"):
        OpenAICompatible("https://api.example.org/v1", verify=setting)


def unchecked() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@pytest.mark.parametrize("verify", [False, unchecked()])
async def test_unchecked_certificates_warn_once_and_stand_in_the_report(verify: Any) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        adapter = OpenAICompatible("https://api.example.org/v1", verify=verify)
        async with Router([adapter], observers=[]) as router:
            entry = router.health().providers[0]
    assert [str(each.message).partition(":")[0] for each in told] == ["openai"]
    assert "certificates are not checked" in entry.reason
    assert OpenAICompatible("https://api.example.org/v1", verify=True).cautions == ()


@pytest.mark.parametrize("early", [True, False])
async def test_an_error_of_tls_after_the_handshake_is_a_lost_connection(early: bool) -> None:
    broken = ssl.SSLError(1, "[SSL: SSLV3_ALERT_BAD_RECORD_MAC] alert bad record mac")

    class Breaks(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"data: {}\n\n"
            raise broken

    def handler(request: httpx.Request) -> httpx.Response:
        if early:
            raise broken
        return httpx.Response(200, stream=Breaks())

    assert isinstance(await failure_of(at(handler)), ConnectionLost)


# --- secrets


async def test_a_token_that_a_subclass_refreshes_is_masked() -> None:
    class Refreshes(OpenAICompatible):
        token = 0

        def _credentials(self) -> tuple[tuple[str, str], ...]:
            self.token += 1
            return (("authorization", f"Bearer token-0123456789-{self.token:04}"),)

    def quotes(request: httpx.Request) -> httpx.Response:
        said = request.headers["authorization"]
        return answer(401, f"wrong: {said} and {said.split()[1]}")

    adapter = Refreshes("http://127.0.0.1:9/v1", transport=httpx.MockTransport(quotes))
    for _ in range(100):
        said = str(await failure_of(adapter))
        assert "token-0123456789" not in said
        assert "***" in said
    assert len(adapter._client.shown._values) < 100


@pytest.mark.parametrize(
    "settings",
    [
        {"headers": {"x-title": Plain("0123456789abcdef")}},
        {"headers": {"x-tenant": "production"}},
        {"headers": {"accept": "application/json", "x-version": "2023-06-01"}},
        {"headers": {"x-portkey-provider": "openai"}},
        {"headers": {"x-key-owner": "aura"}},
        {"cookies": {"theme": "dark"}},
        {"api_key": "ollama"},
        {"api_key": "lm-studio"},
        {"headers": {"authorization": "Bearer ollama"}},
    ],
)
async def test_a_value_that_is_no_secret_eats_no_harmless_words(settings: dict[str, Any]) -> None:
    words = (
        "0123456789abcdef production application/json 2023-06-01 openai aura dark ollama lm-studio anything"
    )
    error = await failure_of(at(lambda request: answer(400, words), **settings))
    assert words in str(error)


@pytest.mark.parametrize(
    "settings",
    [
        {"headers": {"x-api-key": "abcdefghijkl"}},
        {"headers": {"x-other": "0123456789abcdef"}},
        {"headers": {"x-title": Secret("production")}},
        {"headers": {"X-Auth-Token": "production"}},
        {"cookies": {"PHPSESSID": "production"}},
        {"api_key": "production"},
    ],
)
async def test_what_is_a_secret_stays_masked(settings: dict[str, Any]) -> None:
    words = "abcdefghijkl 0123456789abcdef production"
    error = await failure_of(at(lambda request: answer(400, words), **settings))
    assert "***" in str(error)


@pytest.mark.parametrize("trust_env", [True, False])
async def test_a_key_in_a_reason_phrase_reaches_no_log(
    trust_env: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def serve(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            await stream.receive()
            await stream.send(f"HTTP/1.1 401 wrong {KEY}\r\nContent-Length: 0\r\n\r\n".encode())

    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(listener.serve, serve)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        with caplog.at_level(logging.INFO):
            error = await failure_of(
                OpenAICompatible(f"http://127.0.0.1:{port}/v1", api_key=KEY, trust_env=trust_env)
            )
        tasks.cancel_scope.cancel()
    assert isinstance(error, AuthenticationFailed)
    assert KEY not in caplog.text + str(error)
