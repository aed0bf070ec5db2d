"""Where there is no browser, a test says so; where CI believes that pages were looked at, it fails."""

from __future__ import annotations

import pytest

from tests.browser.chromium import chromium


@pytest.mark.parametrize(("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_a_machine_without_a_browser_is_told_what_to_install(
    ci: str, outcome: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("CI", ci)

    with pytest.raises(outcome, match="no chromium on this machine; install it with: apt-get"), chromium():
        pass
