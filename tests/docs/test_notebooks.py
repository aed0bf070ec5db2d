"""The cells of docs/guides/notebooks.md, one after the other as a kernel runs them: one loop, a task each."""

from __future__ import annotations

import ast
import inspect
from types import FunctionType
from typing import Any, Final

import anyio
import pytest

from tests.docs.pages import blocks
from tests.docs.running import compare

CELLS: Final = [block for block in blocks("python") if block.page == "docs/guides/notebooks.md"]
pytestmark = pytest.mark.anyio


async def test_the_cells_run_in_one_loop(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in CELLS:
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        code = compile(cell.text, cell.name, "exec", flags=flags, dont_inherit=True)
        if code.co_flags & inspect.CO_COROUTINE:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(FunctionType(code, names))
        else:
            exec(code, names)
        compare(cell, capsys.readouterr().out)

    assert len(CELLS) > 3
    with pytest.raises(anyio.ClosedResourceError):
        await names["router"].complete([{"role": "user", "content": "Hello"}])
