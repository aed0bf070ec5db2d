"""The page of the command names what the command has."""

from __future__ import annotations

import re

import typer

from router.cli import exits
from router.cli.app import app
from router.cli.chat.commands import COMMANDS
from tests.docs.pages import read

PAGE = read("docs/guides/command.md")


def test_the_page_names_every_command() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # the command is a group
    elsewhere = {"serve", "config"}  # which have pages of their own

    assert set(commands) - elsewhere <= set(re.findall(r"chat-router (\w+)", PAGE))


def test_the_table_of_a_conversation_names_every_command() -> None:
    shown = re.findall(r"^\| `/(\w+)( [^`]*)?` \|", PAGE, re.MULTILINE)

    assert sorted((name, usage.strip()) for name, usage in shown) == sorted(
        (name, each.usage) for name, each in COMMANDS.items()
    )


def test_the_table_of_exit_codes_names_them_all() -> None:
    codes = {value for name, value in vars(exits).items() if name.isupper() and isinstance(value, int)}

    assert codes == {int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)}
