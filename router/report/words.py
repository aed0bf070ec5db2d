"""What all forms of the report say in the same words: how long, how often, and text made harmless.

A provider's name comes from a configuration, its reasons and errors come from a service: both are data, of
any characters. `clean` makes them one line that no terminal, parser or browser takes for more than text.
"""

from __future__ import annotations

import math
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from decimal import Decimal

    from router.health.report import HealthReport, ProviderHealth

STATES: Final = ("healthy", "degraded", "unhealthy", "unknown")
"""The states of a provider, the best one first."""

_LONGEST: Final = 400  # characters of one text of a peer
_HARMFUL: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # controls, turns of direction, surrogates
_JOINERS: Final = "\u200c\u200d"  # of category Cf as well, but whole scripts and emoji need them
_NO_SIGNS: Final = "\ufffe\uffff"  # which XML forbids
_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR


def clean(text: str, longest: int = _LONGEST) -> str:
    """Return `text` as one line without control characters, lone surrogates and turns of direction.

    Args:
        text: Of whatever origin.
        longest: Characters to keep; what is cut off is told by an ellipsis.
    """
    line = " ".join(text.split())
    if not line.isascii() or not line.isprintable():
        line = "".join("\N{REPLACEMENT CHARACTER}" if _is_harmful(sign) else sign for sign in line)
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def _is_harmful(sign: str) -> bool:
    return sign in _NO_SIGNS or (unicodedata.category(sign) in _HARMFUL and sign not in _JOINERS)


def span(seconds: float) -> str:
    """Return a time in the unit that fits it, as in `0.12 s`, `3 min`, `2 h`."""
    if not math.isfinite(seconds):
        return "for ever"
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    if seconds < 2 * _DAY:
        return f"{seconds / _HOUR:.0f} h"
    return f"{seconds / _DAY:.0f} days"


def percent(ratio: float) -> str:
    """Return a share of 1 in percent; 100 % and 0 % are said only where they are exact."""
    shown = f"{ratio * 100:.1f}"
    if (shown == "100.0" and ratio < 1) or (shown == "0.0" and ratio > 0):
        return "> 99.9 %" if ratio > 0.5 else "< 0.1 %"
    return f"{shown.removesuffix('.0')} %"


def money(amount: Decimal, currency: str) -> str:
    """Return an amount with its currency, to the cent, or two figures of less: `0.00042 USD`."""
    if not amount:
        return f"0 {currency}"
    places = 2 if amount >= 1 else max(2, 1 - amount.adjusted())
    return f"{amount:.{places}f} {currency}"


def money_facts(entry: ProviderHealth) -> list[str]:
    """Return what was spent on a provider today, and how full its limits are."""
    found = []
    today = entry.spending
    if today is not None and (today.answers or today.budget is not None):
        said = f"spent today {money(today.spent, today.currency)}"
        if today.together is not None:
            said += f" by this process, {money(today.together, today.currency)} by all together,"
        if today.budget is not None:
            said += f" of {money(today.budget, today.currency)}"
        if today.wasted:
            said += f", {money(today.wasted, today.currency)} of it wasted"
        if today.unknown:
            said += f", {plural(today.unknown, 'answer')} of unknown cost"
        found.append(said)
    found += [
        f"{each.used:g} of {each.limit:g} {each.name.replace('_', ' ')}" for each in entry.limits if each.used
    ]
    return found


def plural(count: int, word: str) -> str:
    """Return a number and its noun, as in `1 model`, `2 models`."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def listed(names: tuple[str, ...]) -> str:
    """Return names in order as a part of a sentence, as in `h2o, then aura, then openai`."""
    return ", then ".join(clean(name) for name in names)


def counts(report: HealthReport) -> str:
    """Return how many providers are in which state, as in `2 healthy, 1 unhealthy`."""
    states = [entry.state for entry in report.providers]
    return ", ".join(f"{states.count(state)} {state}" for state in STATES if state in states)


def summary(report: HealthReport) -> str:
    """Return the report in one line: whether the chain can answer, and how many providers are how."""
    if report.verdict == "healthy":
        head = "all is well"
    else:
        head = "the chain can answer" if report.can_answer else "the chain cannot answer"
    return f"{head}: {counts(report)}"


def phrase(text: str, entry: ProviderHealth) -> str:
    """Return a sentence of an adapter as a part of a longer one, in a row that names the provider already."""
    return clean(text).removeprefix(f"{clean(entry.provider)}: ").rstrip(".;")


def facts(entry: ProviderHealth, *, details: bool = False) -> list[str]:
    """Return what is known about a provider besides its state, the most important first.

    Args:
        entry: What is known.
        details: Take the words of the adapter, where it has some.
    """
    probe = entry.probe
    found = [phrase((entry.detail if details else "") or entry.reason, entry)]
    if entry.back_in is not None:
        found.append(f"back in {span(entry.back_in)}")
    if probe is not None and phrase(probe.reason, entry) != found[0]:
        found.append(phrase(probe.reason, entry))
    if entry.generation is not None:
        found.append(f"generation {clean(entry.generation)}")
    if entry.models:
        found.append(plural(len(entry.models), "model"))
    if probe is not None:
        found.append(f"probed in {span(probe.seconds)}")
    if entry.last_success_age is not None:
        found.append(f"content {span(entry.last_success_age)} ago")
    if entry.last_error is not None:
        found.append(f"{clean(entry.last_error.error)} {span(entry.last_error.age)} ago")
    found += money_facts(entry)
    return [fact for fact in found if fact]
