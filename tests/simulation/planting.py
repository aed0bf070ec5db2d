"""Plants a defect: puts a wrong function in the place of a right one, by its name, in this process."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PACKAGES = ("router", "adapters")


def plant(wrong: Mapping[str, Callable[[Any], Any]]) -> None:
    """Replace functions and methods for the rest of this process.

    Args:
        wrong: Dotted name -> returns what stands there instead, of what stood there.
    """
    for name, instead in wrong.items():
        owner, attribute, original = found(name)
        if isinstance(owner, type):
            setattr(owner, attribute, instead(original))
        else:
            _replace_everywhere(original, instead(original))


def found(name: str) -> tuple[Any, str, Any]:
    """Return the owner of what `name` names, its name there, and it.

    Raises:
        LookupError: There is no such thing, or the class only inherits it.
    """
    path, _, attribute = name.rpartition(".")
    owner = _owner(path)
    if attribute not in vars(owner):
        raise LookupError(
            f"{name}: {path} defines no {attribute}; mend its name in tests/simulation/defects.py"
        )
    return owner, attribute, vars(owner)[attribute]


def _owner(path: str) -> Any:
    """Return the module or the class of a module."""
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError:
        module, _, name = path.rpartition(".")
        try:
            return getattr(importlib.import_module(module), name)
        except (ModuleNotFoundError, AttributeError):
            raise LookupError(
                f"there is no module or class {path}; mend its name in tests/simulation/defects.py"
            ) from None


def _replace_everywhere(original: Any, instead: Any) -> None:
    """Replace a function in each module that imported it by name."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] not in PACKAGES:
            continue
        for attribute, value in list(vars(module).items()):
            if value is original:
                setattr(module, attribute, instead)
