"""All rows of the openai client at an address; prints one JSON line for each.

python -m tests.router.gateway.clients.programs.openai_client http://127.0.0.1:4000/v1
"""

from __future__ import annotations

import json
import sys

import openai

from tests.router.gateway.clients.programs import openai_failures, openai_replies
from tests.router.gateway.clients.programs.rows import ROWS

__all__ = ["ROWS", "openai_failures", "openai_replies"]


def main(url: str) -> None:
    """Try all rows, and print how each went."""
    for kind in ("sync", "async"):
        for behaviour, row in ROWS.items():
            try:
                row.tried(url, kind)
            except Exception as error:  # noqa: BLE001 - it is what the row is about
                outcome = f"{type(error).__name__}: {error}"
            else:
                outcome = "ok"
            sys.stdout.write(json.dumps([openai.__version__, f"{behaviour} ({kind})", outcome]) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
