"""What `chat-router init` asks at a terminal: which providers, in which order, and with which model."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from router.cli.init_file import PLACEHOLDER
from router.cli.mistakes import Mistake
from router.cli.output import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.cli.init_file import Written


def choose(found: Sequence[Written], lines: Sequence[str]) -> list[Written]:
    """Return those that the user wants, in the user's order, each with a model where one is needed.

    Args:
        found: What there is.
        lines: A line about each.

    Raises:
        Mistake: The input ended before the answers.
    """
    for number, line in enumerate(lines, 1):
        _tell(f"  {number}. {line}")
    everything = " ".join(str(number) for number in range(1, len(found) + 1))
    while True:
        answer = _ask(f"Whom to ask, in which order? Numbers, or Enter for {everything}: ")
        numbers = answer.replace(",", " ").split() or everything.split()
        wrong = next((each for each in numbers if each not in everything.split()), None)
        if wrong is not None:
            _tell(f"  {wrong} is none of them; write numbers from 1 to {len(found)}, as in: {everything}")
        elif len(set(numbers)) < len(numbers):
            _tell("  each of them once, please")
        else:
            return [_with_model(found[int(each) - 1]) for each in numbers]


def _with_model(provider: Written) -> Written:
    if provider.model != PLACEHOLDER:
        return provider
    model = _ask(f"Model of {provider.adapter}, as the service calls it (Enter to fill it in later): ")
    return replace(provider, model=model, missing="") if model else provider


def _ask(question: str) -> str:
    sys.stdout.write(question)
    sys.stdout.flush()
    answer = sys.stdin.readline()
    if not answer:
        sys.stdout.write("\n")
        raise Mistake("the input ended before the answer, and nothing was written; --yes asks nothing")
    return answer.strip()


def _tell(line: str) -> None:
    sys.stdout.write(f"{printable(line)}\n")
