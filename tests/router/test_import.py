"""`import router` is cheap: no I/O but reading its own modules, and nothing that only some programs need."""

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
before = set(sys.modules)  # a tool that measures coverage has its own
import router
loaded = set(sys.modules) - before
print(*events, *sorted(loaded & set(sys.argv[1:])), sep="\\n")
"""
OTHERS = (
    "httpx", "httpcore", "structlog", "rich", "typer", "trio", "h11", "httptools", "msgspec", "tenacity",
)  # fmt: skip
OF_PYTHON = (
    "asyncio", "base64", "concurrent.futures", "datetime", "decimal", "difflib", "email", "hashlib", "html",
    "importlib.metadata", "json", "logging", "socket", "ssl", "sqlite3", "traceback", "urllib.parse", "uuid",
)  # fmt: skip
OURS = (
    "adapters.contract.chat_options", "adapters.contract.peer_text", "adapters.contract.switch",
    "adapters.contract.tool_call", "adapters.http", "adapters.openai", "adapters.wire", "router.config",
    "router.health.report", "router.health.state", "router.health.traffic_summary", "router.observers",
    "router.policy.breaker_snapshot", "router.policy.hedge",
    "router.policy.prices", "router.provider.account", "router.rare_events", "router.report", "router.sync",
)  # fmt: skip


def test_importing_the_package_does_no_io_and_pulls_in_no_client_and_no_logger():
    command = [sys.executable, "-c", PROGRAM, *OTHERS, *OF_PYTHON, *OURS]
    found = subprocess.run(command, capture_output=True, text=True, check=True)

    assert found.stdout.split("\n")[:-1] == [] or found.stdout.split("\n")[:-1] == [""], found.stdout
    assert found.stderr == ""


def test_events_that_are_imported_on_first_use_are_those_of_the_module_of_all_events():
    """In a new process: by both modules, in pickles, in `match`, and as parts of `Event`."""
    program = (
        "import pickle, sys\n"
        "from typing import get_args\n"
        "from router import events\n"
        "assert 'router.rare_events' not in sys.modules\n"
        "booked = pickle.loads(pickle.dumps(events.CostBooked(None, 'a', None, None, None, False)))\n"
        "match booked:\n"
        "    case events.CostBooked(provider=name): assert name == 'a'\n"
        "    case _: raise AssertionError(booked)\n"
        "import router\n"
        "assert router.CostBooked is events.CostBooked is type(booked)\n"
        "assert router.CostBooked.__module__ == 'router'\n"
        "assert router.Event is events.Event and router.Observer is events.Observer\n"
        "from router.events import *\n"
        "assert {each.__name__ for each in get_args(Event)} <= set(events.__all__) & set(globals())\n"
        "assert not hasattr(events, 'CostsBooked')\n"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert found.stderr == ""


def test_what_is_imported_on_first_use_is_there_all_the_same():
    """In a new process each, where nothing else has imported it before."""
    program = (
        "import router, adapters, pickle\n"
        "assert set(router.__all__) <= set(dir(router)), set(router.__all__) - set(dir(router))\n"
        "assert set(adapters.__all__) <= set(dir(adapters)), set(adapters.__all__) - set(dir(adapters))\n"
        "from router import *\n"
        "report = HealthReport(())\n"
        "assert 'router' == HealthReport.__module__ == Monitor.__module__ == SyncRouter.__module__\n"
        "assert pickle.loads(pickle.dumps(report)) == report\n"
        "assert not hasattr(router, 'HealthReports')\n"
        "from adapters import contract\n"
        "for name in ('ChatOptions', 'Switch', 'ToolCall', 'ToolCallFragment'):\n"
        "    assert getattr(contract, name) is getattr(adapters, name), name\n"
        "    assert getattr(contract, name).__module__ == 'adapters', name\n"
        "call = ToolCall(None, 'find', '{}')\n"
        "assert type(call) is adapters.ToolCall and pickle.loads(pickle.dumps(call)) == call\n"
        "assert not hasattr(contract, 'Switches')\n"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert found.stderr == ""
