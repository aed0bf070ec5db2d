"""The gateway is an extra: where it is missing, the import says what to install."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.depth import sampled
from tests.docs.pages import ROOT


@pytest.mark.parametrize(
    "package", sampled(["starlette", "prometheus_client"], 0.5, "packages of the gateway")
)
def test_without_its_packages_the_gateway_says_what_to_install(package: str) -> None:
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "try:\n    import router.gateway\nexcept ImportError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=ROOT, text=True)

    assert package.replace("_", "-") in done.stdout.replace("_", "-")
    assert "pip install '.[gateway]' in chat-router's folder" in done.stdout
