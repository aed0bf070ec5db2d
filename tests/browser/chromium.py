"""A headless Chromium of the system, driven by its own driver; nothing is downloaded.

Where there is none, a test is skipped, and says so; where `CI` is set it fails, so that nobody believes that
pages were looked at which were not.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
_INSTALL: Final = "install it with: apt-get install chromium chromium-driver"


@contextmanager
def chromium() -> Iterator[Chrome]:
    """Run a browser with a fresh profile."""
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if browser is None or driver is None:
        missing = f"no {'chromium' if browser is None else 'chromedriver'} on this machine; {_INSTALL}"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = ChromeOptions()
        options.binary_location = browser
        for flag in (*_FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        # A service with a path never asks selenium's manager, which would look for downloads.
        chrome = Chrome(options=options, service=Service(driver))
        try:
            yield chrome
        finally:
            chrome.quit()


class Browser:
    """One page in a browser, as a person with certain settings sees it.

    Args:
        chrome: The browser.
    """

    def __init__(self, chrome: Chrome) -> None:
        self.chrome = chrome

    def show(self, page: Path | str, *, width: int, scheme: str) -> None:
        """Load a file or an address at a width in pixels and in a colour scheme, all of it in view."""
        self.complaints()  # of earlier pages
        self._emulate(width, 1000, scheme)
        self.chrome.get(page if isinstance(page, str) else page.as_uri())
        height = self.run("return document.documentElement.scrollHeight")
        self._emulate(width, height, scheme)

    def _emulate(self, width: int, height: int, scheme: str) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        self.chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", media)

    def run(self, script: str) -> Any:
        """Return what a function body of JavaScript returns in the page."""
        return self.chrome.execute_script(script)

    def complaints(self) -> list[str]:
        """Return what the page wrote to the console."""
        entries = self.chrome.get_log("browser")  # type: ignore[no-untyped-call]  # selenium has no type for it
        return [entry["message"] for entry in entries]

    def asked(self) -> list[str]:
        """Return the addresses that were asked for since the last call, however the page did it."""
        entries = self.chrome.get_log("performance")  # type: ignore[no-untyped-call]  # selenium has no type for it
        messages = [json.loads(entry["message"])["message"] for entry in entries]
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]

    def picture(self, path: Path) -> None:
        """Save what is to be seen."""
        self.chrome.save_screenshot(str(path))

    def tree(self) -> list[dict[str, Any]]:
        """Return the accessibility tree, as assistive technology gets it: the nodes that are not ignored."""
        nodes = self.chrome.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
        return [node for node in nodes if not node["ignored"]]
