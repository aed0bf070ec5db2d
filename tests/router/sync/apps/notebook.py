"""Runs cells in a Jupyter kernel, whose thread has a running event loop, and prints what each came to.

A cell that is to be interrupted is left to the signal that the button of a notebook sends.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from jupyter_client.manager import start_new_kernel

CELLS = {
    "sync": """
import os
from adapters import OpenAICompatible
from router import Router, SyncRouter
ask = [{"role": "user", "content": "Hello"}]
router = SyncRouter([OpenAICompatible(os.environ["CHAT_AT"], name="chat", model="m")], observers=[])
print(router.complete(ask).text, *router.stream(ask), sep="|")
""",
    "a cell that awaits": """
async with Router([OpenAICompatible(os.environ["CHAT_AT"], name="own", model="m")], observers=[]) as own:
    print((await own.complete(ask)).text)
""",
    "both in one cell": """
import asyncio
await asyncio.sleep(0)
print(router.complete(ask).text)
""",
    "interrupted": """
slow = SyncRouter([OpenAICompatible(os.environ["SLOW_AT"], name="slow", model="m")], observers=[])
for delta in slow.stream(ask):
    print(delta, flush=True)
""",
    "after that": """
print(router.complete(ask).text)
slow.close(); router.close()
""",
}


def run(client: Any, manager: Any, name: str, cell: str) -> str:
    """Return what a cell printed, or the name of its error."""
    told: list[str] = []

    def hear(message: Any) -> None:
        content = message["content"]
        if message["msg_type"] == "stream":
            told.append(content["text"])
            if name == "interrupted" and content["name"] == "stdout":
                manager.interrupt_kernel()
        elif message["msg_type"] == "error":
            told.append(content["ename"])

    client.execute_interactive(cell, timeout=60, output_hook=hear, allow_stdin=False)
    return "".join(told)


def main() -> None:
    """Run all cells in one kernel."""
    manager, client = start_new_kernel(kernel_name="python3", env=dict(os.environ))
    try:
        for name, cell in CELLS.items():
            sys.stdout.write(json.dumps([name, run(client, manager, name, cell)]) + "\n")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


if __name__ == "__main__":
    main()
