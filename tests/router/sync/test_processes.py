"""Ctrl-C, the end of a program, and fork: in real processes, with real signals."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from adapters.simulators.open_assistant import OpenAssistantSimulator
from tests.router.sync.programs import SOME_BACKENDS, served, started, until

if TYPE_CHECKING:
    import subprocess

HEAD = """
import sys
from adapters import OpenAssistant
from router import SyncRouter
ASK = [{"role": "user", "content": "Hello"}]
site = OpenAssistant(sys.argv[1], session_token="simulated.session.token")
router = SyncRouter([site], backend=sys.argv[2])
"""
STREAM = (
    HEAD
    + """
with router:
    try:
        for delta in router.stream(ASK):
            print("content", delta.text, flush=True)
    except KeyboardInterrupt:
        sys.stdin.readline()
        raise
"""
)
COMPLETE = (
    HEAD
    + """
with router:
    try:
        router.complete(ASK)
    except KeyboardInterrupt:
        sys.stdin.readline()
        raise
"""
)
UNCLOSED = (
    HEAD
    + """
reply = router.stream(ASK)
print("content", next(reply).text, flush=True)
"""
)
FORK = """
import os, sys
from adapters import ScriptedAdapter
from router import SyncRouter
ASK = [{"role": "user", "content": "Hello"}]
router = SyncRouter([ScriptedAdapter()], backend=sys.argv[2])
if sys.argv[1] == "used":
    assert router.complete(ASK).text == "Hello"
child = os.fork()
text = router.complete(ASK).text
assert text == "Hello" and "".join(map(str, router.stream(ASK))) == "Hello"
router.close()
if child:
    _, status = os.waitpid(child, 0)
    assert status == 0, status
    print("both asked")
"""
pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="signals and fork of POSIX"),
    pytest.mark.parametrize("backend", SOME_BACKENDS),
]


def ended(process: subprocess.Popen[str], seconds: float = 120.0) -> tuple[int, str, str]:
    try:
        out, err = process.communicate(timeout=seconds)
    finally:
        process.kill()
        process.wait()
    return process.returncode, out, err


def waits(process: subprocess.Popen[str]) -> None:
    """Return when the program's own thread sleeps, and goes on sleeping."""
    state = Path(f"/proc/{process.pid}/stat")
    looks = 0
    while looks < 6:
        time.sleep(0.05)  # noqa: TID251 - nothing tells when a process waits
        # Behind the name in brackets. Where there is no such file, the sleep is all we have.
        asleep = not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "S"
        looks = looks + 1 if asleep else 0


@pytest.mark.parametrize(("program", "fault"), [(STREAM, "stall_after"), (COMPLETE, "stall_headers")])
def test_ctrl_c_cleans_up_before_the_program_ends(program: str, fault: str, backend: str) -> None:
    with served(OpenAssistantSimulator, fault=fault) as site:
        process = started(program, site.url, backend)
        until(lambda: site.turns)
        if program is STREAM:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("content")
            waits(process)  # it may still print; only within the reply does the router see the signal
        process.send_signal(signal.SIGINT)
        # It is clean before the program, which waits for a line, can close the router.
        until(lambda: site.created == site.deleted | site.hidden and not site.running)
        code, _, err = ended(process)

        assert code == -signal.SIGINT, err
        assert "KeyboardInterrupt" in err
        assert "ResourceWarning" not in err
        assert "<string>" in err  # the caller's own line
        assert site.created == site.deleted | site.hidden
        until(lambda: not site.open_connections)


def test_a_program_that_does_not_close_ends_with_a_warning(backend: str) -> None:
    with served(OpenAssistantSimulator, fault="stall_after") as site:
        code, out, err = ended(started(UNCLOSED, site.url, backend))

        assert (code, out.split()[0]) == (0, "content"), err
        assert "ResourceWarning: a SyncRouter was not closed before the program ended" in err
        assert "Traceback" not in err
        assert site.created == site.deleted | site.hidden


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="no fork here")
@pytest.mark.parametrize("used", ["used", "unused"])
def test_a_forked_process_begins_anew(used: str, backend: str) -> None:
    code, out, err = ended(started(FORK, used, backend))

    assert (code, out) == (0, "both asked\n"), err
