"""The programs that docs/coming-from/ begins with run where their packages are, and print what ours print.

The pages: docs/coming-from/langchain.md, docs/coming-from/litellm.md, docs/coming-from/openai.md,
docs/coming-from/pydantic-ai.md, docs/coming-from/tenacity.md. Packages of others are in environments of their
own, which `make clients` and `make servers` set up.
"""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING, Final

import pytest

from adapters.simulators.openai import OpenAISimulator
from tests.depth import QUICK
from tests.docs.pages import Block, blocks, read
from tests.docs.running import compare, placed, run
from tests.router.gateway.clients import setting_up as clients
from tests.servers import places as servers
from tests.servers.conftest import ASKED_FOR

if TYPE_CHECKING:
    from pathlib import Path

FOLDER: Final = "docs/coming-from/"
OURS: Final = [block for block in blocks("python") if block.page.startswith(FOLDER) and block.runs]
THEIRS: Final = [block for block in blocks("python") if block.page.startswith(FOLDER) and block.apart]
AT_HAND: Final = {"openai", "tenacity"}
"""Peers whose packages the developers' environment has."""
END: Final = "--- the end of a program ---"
OLDEST: Final = "openai-1.57.0"
full_only = pytest.mark.skipif(QUICK, reason="programs of other environments run in full depth")


def _peer(block: Block) -> str:
    return block.page.removeprefix(FOLDER).removesuffix(".md")


def _python_of(peer: str) -> Path:
    """Return the Python that has a peer's package."""
    if peer == "litellm":
        if not ASKED_FOR:  # its import alone takes three seconds
            pytest.skip("asked for with: make test-servers")
        lack, python = servers.lack_of(peer), servers.place_of(peer) / "venv" / "bin" / "python"
    else:
        lack, python = clients.lack_of(peer), clients.python_of(peer)
    if lack is not None:
        pytest.skip(lack)
    return python


def _printed(python: Path, code: str) -> str:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    # LiteLLM would load its prices from the network.
    environment = {**kept, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    done = subprocess.run(
        [python, "-"], input=code, capture_output=True, text=True, timeout=180, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def _check_of_names(page: str) -> str:
    """Return a program that asserts that LiteLLM's router takes what the page's table names."""
    rows = re.findall(r"^\| (`[^|]+) \|", read(page), re.MULTILINE)
    names = {name for row in rows if "deployment" not in row for name in re.findall(r"`(\w+)`", row)}
    # Below, what is a field of an entry of `model_list`.
    names = (names - {"model_name"}) | {"model_list"}
    return f"\nimport inspect\nassert {names!r} <= set(inspect.signature(Router.__init__).parameters)\n"


@full_only
@pytest.mark.parametrize("peer", sorted({_peer(block) for block in THEIRS} - AT_HAND))
def test_the_programs_of_another_package_print_what_the_page_says(
    peer: str, addresses: dict[str, str]
) -> None:
    """All programs of a page run in one process: most of what they cost is to import the package."""
    programs = [block for block in THEIRS if _peer(block) == peer]
    code = f"\nprint({END!r})\n".join(placed(block.text, addresses) for block in programs)
    if peer == "litellm":
        code += _check_of_names(programs[0].page)
    printed = _printed(_python_of(peer), code).split(END)

    assert len(printed) == len(programs)
    for block, text in zip(programs, printed, strict=True):
        compare(block, text)


@pytest.mark.parametrize(
    "block", [block for block in THEIRS if _peer(block) in AT_HAND], ids=lambda block: block.name
)
def test_a_program_whose_package_is_here_prints_what_the_page_says(
    block: Block, addresses: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    run(block, addresses)
    compare(block, capsys.readouterr().out)


@full_only
def test_the_oldest_openai_that_the_page_names_runs_it(addresses: dict[str, str]) -> None:
    before = next(block for block in THEIRS if _peer(block) == "openai")
    assert f"openai {OLDEST.removeprefix('openai-').removesuffix('.0')} or later" in read(before.page)
    lack = clients.lack_of(OLDEST)
    if lack is not None:
        pytest.skip(lack)

    compare(before, _printed(clients.python_of(OLDEST), placed(before.text, addresses)))


def test_the_versions_are_those_of_the_environments() -> None:
    assert f"LiteLLM {servers.LITELLM}:" in read(f"{FOLDER}litellm.md")
    for peer in ("langchain", "pydantic-ai"):
        name, _, version = clients.PYTHON[peer][0].partition("==")
        assert f"{name.partition('[')[0]} {version}:" in read(f"{FOLDER}{peer}.md"), peer


def test_both_programs_of_a_page_print_the_same() -> None:
    """Theirs comes first on each page, ours second; and what it is comes from the simulated service."""
    peers = {_peer(block) for block in THEIRS}
    assert len(peers) == 5
    for peer in peers:
        theirs = next(block for block in THEIRS if _peer(block) == peer)
        ours = next(block for block in OURS if _peer(block) == peer)
        assert theirs.printed[0] == ours.printed[0] == OpenAISimulator.default_text, peer
