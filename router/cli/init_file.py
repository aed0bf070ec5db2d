"""The text of a first `router.toml`: what was chosen, comments, and examples to fill in. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from router.config.writing import value

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_HEAD: Final = """\
# The chain of chat-router: the order of the [[provider]] tables is the priority.
# Check it:  chat-router config check {path}
# Use it:    chat-router chat --config {path}
#
# A key never stands here, only the name of the variable that holds it. A file that reads such a variable
# must be named with --config: one that only lies in a folder might be somebody else's.
"""
_NOTHING: Final = """
# Nothing was found here: no key in a usual variable, no local server. Until you put your own providers here,
# two simulated services answer; start them in a second terminal: {command}
"""
_REST: Final = """
# How long to wait, and how often to ask again; these are the defaults.
# [timeouts]
# first_content = 30
# stall = 30
# total = 600
#
# [retry]
# attempts = 2
#
# Every key: chat-router config schema, or docs/reference/configuration.md
"""
PLACEHOLDER: Final = "MODEL"
"""Stands where a model has to be filled in."""
SIMULATE: Final = "chat-router simulate h2o openai --port 8001"
"""What serves the two providers of `SIMULATED`."""


@dataclass(frozen=True, slots=True)
class Written:
    """One table `[[provider]]` of the file.

    Attributes:
        adapter: A preset or an adapter.
        comment: What to know about it.
        variable: The variable that holds its key, if it has one.
        model: The model to ask for.
        base_url: Its address, where it is not the preset's.
        missing: What has to be filled in first. Beside another provider the table is a comment until then.
    """

    adapter: str
    comment: str = ""
    variable: str | None = None
    model: str | None = None
    base_url: str | None = None
    missing: str = ""

    def lines(self, *, active: bool = False) -> Iterable[str]:
        """Yield the lines of the table, and a blank one before it.

        Args:
            active: Whether it is no comment even where something is missing.
        """
        sign = "# " if self.missing and not active else ""
        yield ""
        if self.comment:
            yield f"# {self.comment}"
        if self.missing and active:
            yield f"# To fill in: {self.missing}."
        elif self.missing:
            said = self.missing[0].upper() + self.missing[1:]
            yield f"# {said}; then take away the '# ' before the lines below."
        yield f"{sign}[[provider]]"
        yield f"{sign}adapter = {value(self.adapter)}"
        if self.base_url is not None:
            yield f"{sign}base_url = {value(self.base_url)}"
        if self.variable is not None:
            yield f"{sign}api_key = {value({'env': self.variable})}"
        if self.model is not None:
            yield f"{sign}model = {value(self.model)}"


SIMULATED: Final = (
    Written("h2o", base_url="http://127.0.0.1:8001"),
    Written("openai", base_url="http://127.0.0.1:8002/v1", model="small"),
)
"""What is asked until there is something better."""
EXAMPLES: Final = (
    Written(
        "openai",
        "A known service; chat-router providers lists them, with the variables of their keys.",
        "OPENAI_API_KEY",
        missing="Set OPENAI_API_KEY",
    ),
    Written("ollama", "A server on this machine.", None, "llama3.2", missing="Start it, and name your model"),
    Written(
        "h2o",
        "A service that somebody hosts: h2o, aura, opchatgpts, chat_anywhere or open_assistant.",
        base_url="https://chat.example.org",
        missing="Put its address here",
    ),
)
"""What a first file shows as comments."""


def text_of(path: str, providers: Sequence[Written], *, filled: bool = False) -> str:
    """Return the file; where nothing was found, it asks simulated services.

    Where all that was found lacks something, it stands there with empty texts, with which nothing can be
    asked: a simulated answer would hide that.

    Args:
        path: The file's name as a shell takes it, for the commands in its comments.
        providers: In their order.
        filled: Whether placeholders stand in place of empty texts.
    """
    text = _HEAD.format(path=path)
    waits = all(each.missing for each in providers)
    if not providers:
        text += _NOTHING.format(command=SIMULATE)
        providers = SIMULATED
    elif waits and not filled:
        providers = [
            replace(each, model="", base_url=None if each.base_url is None else "") for each in providers
        ]
    named = {each.adapter for each in providers if each.variable is not None or not each.base_url}
    lines = [line for each in providers for line in each.lines(active=waits)]
    lines += [line for each in EXAMPLES if each.adapter not in named for line in each.lines()]
    return text + "".join(f"{line}\n" for line in lines) + _REST
