"""The page of the ledger has every reason for which a provider is skipped, as the code words them."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.docs.pages import read

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACE: Final = "…"
"""Stands for what differs."""
MADE_ELSEWHERE: Final = {
    "adapter.capabilities.refuses(request, model)": (
        "adapters/contract/capabilities.py",
        r"_refuses_\w+",
    ),
    "large.reason": ("router/provider/sizes.py", r"refuses"),
    "self.breaker.snapshot(now).isolation": ("router/policy/breaker_snapshot.py", r"isolation"),
    "bad_reply(bug)": ("adapters/generator.py", r"bad_reply"),
}
"""An expression of a reason -> the module and the functions that make its words."""


class Words:
    """Resolves the expression of a reason to the beginnings that it may have."""

    def __init__(self, path: Path) -> None:
        self.tree = ast.parse(path.read_text("utf-8"))
        self._names = vars(importlib.import_module(".".join(path.with_suffix("").parts)))

    def functions(self) -> list[ast.AST]:
        return [
            each for each in ast.walk(self.tree) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
        ]

    def of(self, node: ast.expr, function: ast.AST) -> list[str]:
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.IfExp(body=one, orelse=other):
                return [*self.of(one, function), *self.of(other, function)]
            case ast.BinOp(left=left):
                return self.of(left, function)
            case ast.JoinedStr(values=[first, *rest]):
                end = "".join(str(each.value) if isinstance(each, ast.Constant) else PLACE for each in rest)
                start = first.value if isinstance(first, ast.FormattedValue) else first
                return [each + end for each in self.of(start, function)]
            case ast.Name(id=name) if isinstance(self._names.get(name), str):
                return [self._names[name]]
            case ast.Name(id=name):
                found = [text for value in _assigned(name, function) for text in self.of(value, function)]
                return found or [f"<{name}>"]
        return [f"<{ast.unparse(node)}>"]


def _assigned(name: str, function: ast.AST) -> Iterator[ast.expr]:
    for each in ast.walk(function):
        if not isinstance(each, ast.Assign):
            continue
        for target in each.targets:
            if isinstance(target, ast.Name) and target.id == name:
                yield each.value
            elif isinstance(target, ast.Tuple) and isinstance(each.value, ast.Tuple):
                pairs = zip(target.elts, each.value.elts, strict=True)
                yield from (value for one, value in pairs if isinstance(one, ast.Name) and one.id == name)


def reasons() -> Iterator[str]:
    for path in Path("router").rglob("*.py"):
        text = path.read_text("utf-8")
        if "Refusal(" not in text and "._replace(reason=" not in text:
            continue
        words = Words(path)
        for function in words.functions():
            for call in (each for each in ast.walk(function) if isinstance(each, ast.Call)):
                made = isinstance(call.func, ast.Name) and call.func.id == "Refusal"
                given = call.args[:1] if made else [k.value for k in call.keywords if k.arg == "reason"]
                is_changed = isinstance(call.func, ast.Attribute) and call.func.attr == "_replace"
                for node in given if made or is_changed else ():
                    yield from words.of(node, function)


def elsewhere(expression: str) -> Iterator[str]:
    """Yield the texts that the functions of another module make."""
    name, functions = MADE_ELSEWHERE[expression]
    words = Words(Path(name))
    for function in words.functions():
        if re.fullmatch(functions, function.name):  # type: ignore[attr-defined]  # a function has one
            for each in ast.walk(function):
                returned = each.value if isinstance(each, ast.Return) else None
                if isinstance(each, ast.Call) and ast.unparse(each.func) in ("TooLarge", "BadReply"):
                    returned = each.args[0]
                if isinstance(returned, ast.JoinedStr | ast.Constant | ast.Name):
                    yield from (text for text in words.of(returned, function) if not text.startswith("<"))


def test_every_reason_for_a_skip_stands_in_the_page_of_the_ledger() -> None:
    told = set(reasons())
    for expression in [each for each in told if each.startswith("<")]:
        told.remove(expression)
        made, _, end = expression[1:].partition(">")
        texts = list(elsewhere(made))
        assert texts, f"{made}: no words found; see MADE_ELSEWHERE"
        told.update(text + end for text in texts)

    table = read("docs/operate/ledger.md").partition("## Why one is skipped")[2].partition("## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    beginnings = [phrase for row in rows for phrase in re.findall(r"`([^`]+)`", row)]
    shapes = [re.compile(re.escape(each).replace(PLACE, ".*")) for each in beginnings]
    assert len(told) > 20
    assert [] == sorted(each for each in told if not any(shape.match(each) for shape in shapes))
    unknown = [
        each for each, shape in zip(beginnings, shapes, strict=True) if not any(map(shape.match, told))
    ]
    assert [] == unknown, "the page has what no code says"
