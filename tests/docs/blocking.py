"""Shows the blocking methods with the parameters of the asynchronous ones: an extension of griffe.

griffe reads sources: of a method below `@like(Router.stream)` it sees `*args, **kwargs`, where `help()` and
type checkers see what `router.sync.signatures` makes of it. The site and the pages of the API load this.
"""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any, Final

import griffe

from router.sync.signatures import sections_in

if TYPE_CHECKING:
    from collections.abc import Iterator

_LIKE: Final = re.compile(r"like\((\w+)\.(\w+)\)")


class Blocking(griffe.Extension):
    """Gives each method that is like another one its parameters, and what is said of them."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Change the package `router`, once it is read."""
        if pkg.name == "router":
            for method, like in _pairs(pkg):
                method.parameters = like.parameters
                if method.docstring is not None and like.docstring is not None:
                    own = inspect.cleandoc(method.docstring.value)
                    method.docstring.value = f"{own}\n\n{sections_in(like.docstring.value)}".rstrip()


def _pairs(package: griffe.Module) -> Iterator[tuple[griffe.Function, griffe.Function]]:
    """The decorated methods of the package `router.sync`, each with the method that it is like."""
    for module in package["sync"].modules.values():
        for kind in module.classes.values():
            for method in kind.functions.values():
                for decorator in method.decorators:
                    if found := _LIKE.fullmatch(str(decorator.value)):
                        yield method, _defined(module[found[1]])[found[2]]


def _defined(name: griffe.Object | griffe.Alias) -> griffe.Object:
    """Return what a module imports under a name; the package is read, but its imports are not resolved."""
    while isinstance(name, griffe.Alias):
        name = name.package.modules_collection[name.target_path]
    return name
