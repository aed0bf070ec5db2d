"""The gateway's status page in a real browser: live, by keyboard, on a phone, in the dark, without script.

Pictures are kept in the folder that `CHAT_ROUTER_PICTURES` names, so that a person can look at them, too.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
import uvicorn
from selenium.webdriver import ActionChains, Keys
from starlette.applications import Starlette
from starlette.routing import Mount

from adapters.contract.errors import ServiceFailed
from adapters.scripted import ScriptedAdapter
from router import Router
from router.gateway.page import status
from router.history import History
from router.history.samples import Sample
from tests.browser.chromium import Browser, chromium
from tests.browser.test_page import CONTRAST, LEAST, SMALLEST, View
from tests.depth import QUICK, sampled
from tests.promptly import promptly
from tests.router.gateway.page.served import KEY, SHOWN, TestGateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

HOSTILE: Final = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&"
PATIENCE: Final = 60.0
OF_CHROME: Final = ("data:", "chrome:")
"""Addresses that lead nowhere, such as those of icons in its own controls."""
SHALLOW: Final = pytest.mark.skipif(QUICK, reason="its rule is tested without a browser, too")
VIEWS: Final = [View(scheme, width) for scheme in ("light", "dark") for width in (360, 1100)]


class Served:
    """A gateway in a thread of its own, on a real socket; `/gateway/` is where it is mounted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.gateway: TestGateway
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.socket.getsockname()[1]}/gateway/"
        self._server = uvicorn.Server(
            uvicorn.Config(
                Starlette(routes=[Mount("/gateway", self._app)], lifespan=self._life),
                log_level="error",
                timeout_graceful_shutdown=1,
            )
        )
        self._thread = threading.Thread(target=self._server.run, args=([self.socket],))

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        await self.gateway.app(scope, receive, send)

    @asynccontextmanager
    async def _life(self, app: Starlette) -> AsyncIterator[None]:
        history = History(self._folder / "health.db")
        now = time.time()  # noqa: TID251 - rows of the past, on the clock of the wall
        history.file.add([Sample(now - 3600, name, "healthy", "ok") for name in ("first", HOSTILE)])
        providers = [
            ScriptedAdapter("first", ["Hel", "lo"]),
            ScriptedAdapter("second", [ServiceFailed("the words of a service")]),
            ScriptedAdapter(HOSTILE, ["x"]),
        ]
        async with Router(providers, observers=[], history=history) as router:
            self.gateway = TestGateway(router)
            await router.complete([{"role": "user", "content": "the prompt"}], providers=["second", "first"])
            await router.check()
            yield
            self.gateway.draining = True

    def __enter__(self) -> Served:
        self._thread.start()
        wait_for(lambda: self._server.started)
        return self

    def __exit__(self, *_: object) -> None:
        self.gateway.draining = True  # the updates end
        self._server.should_exit = True
        self._thread.join(PATIENCE)
        self.socket.close()

    def operate(self, action: str, provider: str) -> None:
        answer = httpx.post(f"{self.address}admin/{action}", json={"provider": provider}, headers=SHOWN)
        assert answer.status_code == 200


def wait_for(true: Callable[[], Any]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        threading.Event().wait(0.02)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as chrome:
        yield Browser(chrome)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with pytest.MonkeyPatch.context() as patch, Served(tmp_path_factory.mktemp("gateway")) as served:
        patch.setattr(status, "EVERY", 0.1)  # a quicker pulse, so that nobody waits for it
        patch.setattr(status, "FRESH", 0.05)
        yield served


@pytest.fixture
def served(server: Served) -> Iterator[Served]:
    yield server
    server.gateway.admission.is_open = server.gateway.admission.has_admin = True
    for name in ("first", "second", HOSTILE):
        server.operate("reset", name)


@contextmanager
def without_script(browser: Browser) -> Iterator[None]:
    browser.chrome.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        yield
    finally:
        browser.chrome.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def text(browser: Browser, name: str) -> str:
    said: str = browser.run(f"return document.getElementById('{name}').innerText")
    return said


def wait_for_text(browser: Browser, name: str, words: str, *, there: bool = True) -> None:
    wait_for(lambda: (words in text(browser, name)) is there)


def press(browser: Browser, *keys: str) -> None:
    for key in keys:
        ActionChains(browser.chrome).send_keys(key).perform()


def walk_to(browser: Browser, label: str) -> None:
    """Press the tabulator until a control of this name has the focus."""
    named = "const at = document.activeElement; return at.getAttribute('aria-label') || at.id || at.innerText"
    for _ in range(60):
        if browser.run(named) == label:
            assert browser.run("return getComputedStyle(document.activeElement).outlineStyle") != "none"
            return
        press(browser, Keys.TAB)
    pytest.fail(f"the keyboard does not reach {label}")


def enter_key(browser: Browser) -> None:
    walk_to(browser, "key")
    press(browser, KEY, Keys.ENTER)
    wait_for_text(browser, "part-operate", "Isolate")
    wait_for_text(browser, "live", "Live")


def test_it_is_live_and_asks_nobody_else(browser: Browser, served: Served) -> None:
    browser.asked()  # for earlier pages
    browser.show(served.address, width=1100, scheme="light")
    wait_for_text(browser, "live", "Live")
    browser.run("document.querySelector('details').open = true; document.querySelector('summary').focus()")
    with promptly(3):
        served.operate("isolate", "first")
        wait_for_text(browser, "part-providers", "isolated by hand")

    assert browser.run("return document.activeElement.tagName") == "SUMMARY"
    assert browser.run("return document.querySelector('details').open")
    for name in ("second", HOSTILE):
        served.operate("isolate", name)
    wait_for_text(browser, "part-verdict", "No provider can be asked now.")
    # Nothing of the earlier sentence is left behind.
    assert browser.run("return document.querySelector('#part-verdict p').innerText") == (
        "No provider can be asked now."
    )
    asked = {each for each in browser.asked() if not each.startswith(OF_CHROME)}
    assert asked == {served.address, f"{served.address}events"}
    assert browser.complaints() == []


def test_an_operator_needs_the_keyboard_alone(browser: Browser, served: Served) -> None:
    browser.show(served.address, width=1100, scheme="light")
    wait_for_text(browser, "live", "Live")
    assert [each["name"]["value"] for each in browser.tree() if each["role"]["value"] == "button"] == [
        "Use the key"
    ]

    walk_to(browser, "key")
    press(browser, "wrong", Keys.ENTER)
    walk_to(browser, "Isolate first")
    press(browser, Keys.SPACE)
    wait_for_text(browser, "said", "this needs the gateway's admin key")

    press(browser, *[Keys.SHIFT + Keys.TAB] * 2)
    walk_to(browser, "key")
    press(browser, KEY, Keys.ENTER)
    for word, said, apart in (
        ("Isolate", "no request asks it until it is reset", True),
        ("Reset", "requests may ask it again", False),
        ("Probe", "was probed in", False),
    ):
        walk_to(browser, f"{word} first")
        press(browser, Keys.ENTER)
        wait_for_text(browser, "said", said)
        wait_for_text(browser, "part-providers", "isolated by hand", there=apart)
        assert browser.run("return document.activeElement.innerText") == word
    kept = browser.run(
        "return [document.cookie, localStorage.length, sessionStorage.length, location.href, "
        "document.documentElement.outerHTML, document.getElementById('key').value]"
    )

    assert kept[:3] == ["", 0, 0]
    assert KEY not in "".join(map(str, kept[3:]))
    assert {node["name"]["value"] for node in browser.tree() if node["role"]["value"] == "button"} >= {
        "Isolate first",
        "Reset second",
        f"Probe {HOSTILE}",
    }


@SHALLOW
def test_without_an_admin_key_there_is_nothing_to_press(browser: Browser, served: Served) -> None:
    served.gateway.admission.has_admin = False
    browser.show(served.address, width=1100, scheme="light")
    wait_for_text(browser, "live", "Live")
    without = [each for each in browser.tree() if each["role"]["value"] in ("button", "textbox")]
    served.gateway.admission.has_admin = True
    wait_for(lambda: browser.run("return document.getElementById('operate').hidden") is False)

    assert without == []


@SHALLOW
def test_a_locked_page_opens_with_the_key(browser: Browser, served: Served) -> None:
    served.gateway.admission.is_open = False
    browser.show(served.address, width=360, scheme="dark")
    wait_for_text(browser, "live", "the admin key is needed")
    assert text(browser, "part-providers") == ""
    pale = [each for each in browser.run(CONTRAST) if each["ratio"] < LEAST]

    walk_to(browser, "key")
    press(browser, KEY, Keys.ENTER)
    wait_for_text(browser, "live", "Live")

    assert pale == []
    assert "first" in text(browser, "part-providers")
    assert "This page needs" not in text(browser, "part-verdict")


@SHALLOW
def test_it_says_that_it_is_not_live_and_is_again(browser: Browser, served: Served) -> None:
    browser.show(served.address, width=1100, scheme="light")
    wait_for_text(browser, "live", "Live")
    served.gateway.draining = True
    wait_for_text(browser, "live", "Not live: the connection is lost. Trying again.")
    served.operate("isolate", "second")
    served.gateway.draining = False
    wait_for_text(browser, "part-providers", "isolated by hand")

    assert text(browser, "live") == "Live"


@SHALLOW
def test_hostile_names_run_nothing_and_stand_as_they_are(browser: Browser, served: Served) -> None:
    browser.show(served.address, width=360, scheme="light")
    wait_for_text(browser, "live", "Live")
    served.operate("isolate", HOSTILE)
    wait_for_text(browser, "part-providers", "isolated by hand")
    enter_key(browser)

    assert HOSTILE in text(browser, "part-operate")
    assert browser.run("return document.querySelectorAll('main script, main img, iframe').length") == 0
    assert browser.run("return document.documentElement.scrollWidth") <= 360
    assert browser.complaints() == []


@SHALLOW
def test_without_script_it_is_read_and_loaded_anew(browser: Browser, served: Served) -> None:
    with without_script(browser):
        browser.show(served.address, width=360, scheme="light")
        nodes = [
            node["name"]["value"]
            for node in browser.tree()
            if node["role"]["value"] in ("heading", "rowheader")
        ]
        buttons = [node for node in browser.tree() if node["role"]["value"] in ("button", "textbox")]
        served.operate("isolate", "first")
        browser.show(served.address, width=360, scheme="light")
        words = [node.get("name", {}).get("value", "") for node in browser.tree()]

    assert "Providers" in nodes
    assert "first" in nodes
    assert buttons == []
    assert any("isolated by hand" in each for each in words)


@pytest.mark.parametrize("view", sampled(VIEWS, 0.25, "views of the status page"), ids=str)
def test_it_can_be_read_in_every_view(browser: Browser, view: View, served: Served, tmp_path: Path) -> None:
    folder = Path(os.environ.get("CHAT_ROUTER_PICTURES") or tmp_path)
    browser.show(served.address, width=view.width, scheme=view.scheme)
    wait_for_text(browser, "live", "Live")
    enter_key(browser)
    browser.run("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    browser.picture(folder / f"status-{view}.png")
    texts = browser.run(CONTRAST)

    assert len(texts) > 100
    assert [each for each in texts if each["ratio"] < LEAST] == []
    assert [each for each in texts if each["size"] < SMALLEST] == []
    assert browser.run("return document.documentElement.scrollWidth") <= view.width
    assert browser.run("return document.getAnimations().length") == 0
    assert "the words of a service" not in browser.chrome.page_source
    assert "the prompt" not in browser.chrome.page_source
