"""The command as such: help, version, what is loaded, and streams that are not there."""

import subprocess
import sys

import pytest

from tests.depth import sampled
from tests.router.cli.command import COMMAND, ROOT, environment, run
from tests.router.cli.conftest import Command


def test_version() -> None:
    found = run("--version")

    assert (found.code, found.err) == (0, "")
    assert found.out.startswith("chat-router ")
    assert run("--version", "demo").out == found.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "chat-router demo"),
        (("--help",), "chat-router health --demo"),
        (("ask", "-h"), "CHAT_ROUTER_<NAME>_API_KEY"),
        (("demo", "--help"), "--speed"),
        (("health", "--help"), "Exit codes: 0 healthy"),
        (("simulate", "--help"), "--fault-times"),
    ],
)
def test_help_has_examples(arguments: tuple[str, ...], words: str, command: Command) -> None:
    found = command(*arguments)

    assert (found.code, found.err) == (0, "")
    assert words in found.out


def loaded(code: str) -> set[str]:
    """Return the names of the modules that `code` loads, in a process of its own."""
    code += "\nimport sys; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=ROOT, text=True)
    return set(done.stdout.split())


def test_the_library_loads_nothing_of_the_command_line() -> None:
    assert not loaded("import router") & {"router.cli", "router.report", "typer", "rich", "adapters.http"}


def test_the_report_needs_neither_typer_nor_rich() -> None:
    assert not loaded("import router.report") & {"router.cli", "typer", "rich"}


def test_the_version_loads_no_command() -> None:
    code = "import sys; sys.argv = ['chat-router', '--version']; from router.__main__ import main; main()"

    assert not loaded(code) & {"router.cli.app", "typer", "rich", "adapters.http"}


def test_without_the_extra_it_says_what_to_install() -> None:
    code = (
        "import sys, importlib.util as u\n"
        "found = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name in ('typer', 'rich') else found(name, *a)\n"
        "sys.argv = ['chat-router', 'demo']\n"
        "from router.__main__ import main\n"
        "sys.exit(main())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, cwd=ROOT, text=True)

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (64, "", 1)
    assert "pip install '.[cli]' in chat-router's folder" in done.stderr


UNWRITABLE = [
    ('"$@" --help >&-', 0),
    ('"$@" nothing 2>&-', 64),
    ('"$@" simulate --list | head -1 >/dev/null; exit "${PIPESTATUS[0]}"', None),
    ('"$@" --help >/dev/full', 74),
]


@pytest.mark.parametrize(("shell", "code"), sampled(UNWRITABLE, 0.5, "unwritable output"))
def test_output_that_cannot_be_written_ends_without_a_traceback(shell: str, code: int | None) -> None:
    done = subprocess.run(
        ["bash", "-c", shell, "bash", *COMMAND],
        capture_output=True,
        check=False,
        env=environment(),
        cwd=ROOT,
        text=True,
    )

    assert done.returncode in ((0, 141) if code is None else (code,))
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert done.stderr.count("\n") <= 1
