"""`import router` is cheap: no I/O but reading its own modules, and none of the heavy packages."""

import subprocess
import sys

PROGRAM = """
import sys
events = []

def audit(event, arguments):
    if event.split(".")[0] in ("socket", "subprocess", "os", "shutil", "tempfile") and event not in (
        "os.listdir", "os.scandir"
    ):
        events.append(f"{event} {arguments}")
    if event == "open":
        path, mode, _ = arguments
        if not str(path).endswith((".py", ".pyc", ".so", ".pth")):
            events.append(f"open {path}")
        if mode and set(str(mode)) & set("wax+") and "__pycache__" not in str(path):
            events.append(f"write {path}")

sys.dont_write_bytecode = True
sys.addaudithook(audit)
import router
heavy = ["httpx", "httpcore", "structlog", "rich", "typer", "trio", "ssl", "h11"]
print(*events, *(name for name in heavy if name in sys.modules), sep="\\n")
"""


def test_importing_the_package_does_no_io_and_pulls_in_no_client_and_no_logger():
    found = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)

    assert found.stdout.split("\n")[:-1] == [] or found.stdout.split("\n")[:-1] == [""], found.stdout
    assert found.stderr == ""
