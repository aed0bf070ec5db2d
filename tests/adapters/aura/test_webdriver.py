"""Aura in the session of a browser that its user drives."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import pytest

from adapters import Aura, AuthenticationFailed
from adapters.simulators.aura import AuraSimulator
from tests.adapters.aura.drivers import PlayedDriver
from tests.adapters.bodies import read, text
from tests.browser.chromium import chromium

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = pytest.mark.anyio


async def said(adapter: Aura) -> str:
    """Return the text of a reply, or raise the error that ended it."""
    deltas, error = await read(adapter)
    if error is not None:
        raise error
    return text(deltas)


def signed_in(site: AuraSimulator, driver: PlayedDriver, session: str = "s-1") -> PlayedDriver:
    site.sessions[session] = driver.agent
    driver.sign_in(session)
    return driver


async def test_cookies_and_user_agent_are_those_of_the_browser() -> None:
    async with AuraSimulator(sign_in=True) as site:
        driver = signed_in(site, PlayedDriver())
        adapter = Aura(site.url, webdriver=driver)
        for _ in range(2):
            assert await said(adapter) == site.default_text
        assert (await adapter.probe()).working
        await adapter.aclose()
        assert driver.reads == 1
        assert threading.main_thread().name not in driver.threads
        assert site.requests[0].header("user-agent") == driver.agent
        assert site.requests[0].cookies() == {"session": "s-1"}


async def test_an_expired_session_is_read_again_once() -> None:
    async with AuraSimulator(sign_in=True) as site:
        driver = signed_in(site, PlayedDriver())
        adapter = Aura(site.url, webdriver=driver)
        await said(adapter)
        site.sessions.clear()
        signed_in(site, driver, "s-2")
        assert await said(adapter) == site.default_text
        assert driver.reads == 2
        site.sessions.clear()
        with pytest.raises(AuthenticationFailed, match=r"status 401\); open http.* sign in there") as error:
            await said(adapter)
        assert "s-2" not in str(error.value)
        assert driver.reads == 3  # and the refused session is not sent again
        assert (site.turns, len(site.requests)) == (2, 4)
        signed_in(site, driver, "s-3")
        assert (await adapter.probe()).working
        await adapter.aclose()


async def test_two_adapters_ask_one_driver_one_after_the_other() -> None:
    async with AuraSimulator(sign_in=True) as site:
        driver = signed_in(site, PlayedDriver())
        adapters = [Aura(site.url, name=name, webdriver=driver) for name in "abc"]
        async with anyio.create_task_group() as tasks:
            for adapter in adapters:
                tasks.start_soon(said, adapter)
        for adapter in adapters:
            await adapter.aclose()
        assert driver.most_at_once == 1
        assert site.turns == 3


@pytest.mark.parametrize(
    ("cookie", "why"),
    [
        ({"domain": "example.org"}, "no cookie for 127.0.0.1; open http"),
        ({"expiry": 1_700_000_000}, "session expired on 2023-11-14"),
        ({"path": "/admin"}, "session is for /admin only"),
        ({"value": ""}, "session is empty"),
    ],
)
async def test_a_browser_without_a_session_says_what_to_do(cookie: dict[str, Any], why: str) -> None:
    driver = PlayedDriver()
    driver.cookies = [{"name": "session", "value": "x", "domain": "127.0.0.1", "path": "/", **cookie}]
    async with AuraSimulator(sign_in=True) as site:
        adapter = Aura(site.url, webdriver=driver)
        with pytest.raises(AuthenticationFailed, match=why) as error:
            await said(adapter)
        assert "sign in there" in str(error.value)
        assert not site.requests
        result = await adapter.probe()
        assert result.working is False
        await adapter.aclose()


async def test_a_browser_that_was_closed_is_told() -> None:
    driver = PlayedDriver()
    driver.broken = OSError("gone")
    adapter = Aura("http://127.0.0.1:9", webdriver=driver)
    with pytest.raises(AuthenticationFailed, match=r"cannot be asked .*OSError.*still open"):
        await said(adapter)


async def test_wrong_drivers_and_two_sessions_are_refused() -> None:
    with pytest.raises(TypeError, match="pass a selenium WebDriver"):
        Aura("http://127.0.0.1:9", webdriver="firefox")  # type: ignore[arg-type] # the wrong one
    for given in ({"cookies": {"a": "b"}}, {"headers": {"User-Agent": "x"}}):
        with pytest.raises(TypeError, match="given twice"):
            Aura("http://127.0.0.1:9", webdriver=PlayedDriver(), **given)  # type: ignore[arg-type] # as above


async def test_a_real_chromium_signs_in_and_the_adapter_speaks_in_its_session() -> None:
    async with AuraSimulator(sign_in=True) as site:

        def asked(chrome: Chrome, path: str) -> None:
            chrome.get(f"{site.url}{path}")

        with chromium() as chrome:
            adapter = Aura(site.url, webdriver=chrome)
            with pytest.raises(AuthenticationFailed, match="open http"):
                await said(adapter)
            await anyio.to_thread.run_sync(asked, chrome, "/sign-in")
            assert await said(adapter) == site.default_text
            site.sessions.clear()
            await anyio.to_thread.run_sync(asked, chrome, "/sign-in")
            assert await said(adapter) == site.default_text
            assert "Mozilla" in (site.requests[-1].header("user-agent") or "")
            await adapter.aclose()
            assert chrome.current_url.endswith("/sign-in")  # it is still there
