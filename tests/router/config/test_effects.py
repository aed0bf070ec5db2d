"""What reading a file does to the world, and what nobody else does: look at files and the environment."""

import ast
import subprocess
import sys
from pathlib import Path

from tests.router.config.good import GOOD, put

ROOT = Path(__file__).parents[3]
READERS = {"open", "read_text", "read_bytes", "environ", "getenv"}

PROGRAM = """
import sys

def audit(event, arguments):
    if event.startswith(("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn")):
        print(event, arguments)
    if event == "open" and set(str(arguments[1] or "")) & set("wax+"):
        print(event, arguments)

import httpx  # what its import does is its own affair
sys.dont_write_bytecode = True
from router import Router
sys.addaudithook(audit)
router = Router.from_config(sys.argv[1])
print(*router.providers)
"""


def test_loading_connects_to_nothing_and_writes_nothing(tmp_path: Path) -> None:
    variables = {"SOME_KEY": "a-key-of-a-team", "A_COOKIE": "a-cookie", "SITE": "http://site.invalid"}
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(put(tmp_path, GOOD))],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=variables,
    )

    assert found.stderr == ""
    assert found.stdout == "first opchatgpts open_assistant aura chat_anywhere\n"


def test_nobody_else_in_the_core_reads_files_or_the_environment() -> None:
    found = {}
    for path in (ROOT / "router").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        called = {
            node.func.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        if readers := READERS & ((names - {"open"}) | called):
            found[path.name] = readers

    assert not found
