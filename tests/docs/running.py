"""Runs an example of the manual in this process, and compares what it prints with what the page says."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.docs.pages import Block


def placed(code: str, addresses: Mapping[str, str]) -> str:
    """Return code that asks the servers where they really are.

    Args:
        code: Of an example.
        addresses: As written on the pages -> the real ones.
    """
    for written, real in addresses.items():
        code = code.replace(written, real)
    return code


def run(block: Block, addresses: Mapping[str, str]) -> ModuleType:
    """Run an example, where it awaits outside of a function in an event loop, as a notebook does.

    Args:
        block: The example.
        addresses: As of `placed`.

    Returns:
        The module it ran in.
    """
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    # A file of its own: what this one imports from the future is nothing for it.
    compiled = compile(placed(block.text, addresses), block.name, "exec", flags=flags, dont_inherit=True)
    module = sys.modules["example"] = ModuleType("example")  # where classes look for their names
    try:
        if compiled.co_flags & inspect.CO_COROUTINE:
            anyio.run(FunctionType(compiled, vars(module)))
        else:
            exec(compiled, vars(module))
    finally:
        del sys.modules["example"]
    return module


def compare(block: Block, printed: str) -> None:
    """Assert that an example printed the lines of the block ```text behind it, in order, and no others.

    … stands for anything within a line; alone on its line, for any number of lines.
    """
    shown = [line.rstrip() for line in block.printed]
    pattern = "\n".join("(?s:.*)" if each == "…" else re.escape(each).replace("…", ".*") for each in shown)
    real = "\n".join(line.rstrip() for line in printed.splitlines()).strip("\n")
    assert not shown or re.fullmatch(pattern, real), (block.name, "\n".join(shown), real)
