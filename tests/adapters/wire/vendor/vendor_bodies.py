"""Error bodies as vendors send them: status, body, what it means, whom it speaks about.

Each line of the file beside this one was written after documentation, source or a public thread, which it
names, or is a variant of such words; names, keys and numbers are replaced. The scope is `ambiguous` where
one answer does not tell whether the next request would fare alike.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, NamedTuple

from adapters.contract import errors

AMBIGUOUS: Final = "ambiguous"


class Case(NamedTuple):
    vendor: str
    source: str
    status: int | None
    body: Any
    kind: type[errors.AdapterError]
    scope: str | None
    retry_after: float | None


def read(line: str) -> Case:
    fields = json.loads(line)
    return Case(**{**fields, "kind": getattr(errors, fields["kind"])})


BODIES: Final = [read(line) for line in Path(__file__).with_suffix(".jsonl").read_text("utf-8").splitlines()]


def openai(message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}


def openrouter(code: int, raw: str) -> dict[str, Any]:
    metadata = {"raw": raw, "provider_name": "P"}
    return {
        "error": {"message": "Provider returned error", "code": code, "metadata": metadata},
        "user_id": "u",
    }
