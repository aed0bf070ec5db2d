"""Mocks and telemetry inside httpx are seen, each by its real package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor

from adapters.http.transport import patched

ROOT = Path(__file__).parents[4]


def test_httpx_alone_is_not_patched() -> None:
    assert not patched()


@pytest.mark.parametrize("using", ["httpcore", "httpx"])
@pytest.mark.parametrize("options", [{}, {"base_url": "http://a.example"}, {"assert_all_called": False}])
def test_respx_is_seen_while_it_mocks(using: str, options: dict[str, Any]) -> None:
    with respx.mock(using=using, **options) as mock:
        mock.get("http://a.example/").respond(200)
        assert patched()
        httpx.get("http://a.example/")
    assert not patched()

    router = respx.mock(using=using)
    router.start()
    assert patched()
    router.stop()
    assert not patched()


@respx.mock
def test_respx_as_a_decorator_is_seen() -> None:
    assert patched()


@pytest.mark.anyio
async def test_respx_around_async_code_is_seen() -> None:
    async with respx.mock:
        assert patched()
    assert not patched()


def test_the_transports_of_respx_and_httpx_that_patch_nothing_are_not() -> None:
    router = respx.Router()
    router.get("http://a.example/").respond(200)
    with httpx.Client(transport=httpx.MockTransport(router.handler)) as client:
        client.get("http://a.example/")
        assert not patched()


def test_opentelemetry_is_seen_though_it_shows_httpx_s_own_module() -> None:
    instrumentor = HTTPXClientInstrumentor()
    instrumentor.instrument()
    try:
        assert httpx.AsyncHTTPTransport.handle_async_request.__module__.startswith("httpx")
        assert patched()
    finally:
        instrumentor.uninstrument()
    assert not patched()


def test_a_method_of_somebody_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    async def mine(self: object, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200)

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", mine)
    assert patched()


def test_pytest_httpx_is_seen(tmp_path: Path) -> None:
    """In a process of its own, so that its plugin is in no other test's way."""
    (tmp_path / "test_it.py").write_text(
        "import httpx\n"
        "from adapters.http.transport import patched\n"
        "def test_it(httpx_mock):\n"
        "    httpx_mock.add_response(url='http://a.example/')\n"
        "    assert patched()\n"
        "    httpx.get('http://a.example/')\n"
        "def test_after_it():\n"
        "    assert not patched()\n"
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        ".",
    ]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert 0 == done.returncode, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_where_httpcore_was_never_imported_nobody_can_have_patched_it() -> None:
    code = (
        "import sys; from adapters.http.transport import patched; before = 'httpcore' in sys.modules; "
        "assert not patched(); assert before is ('httpcore' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60, check=True)
