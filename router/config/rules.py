"""The table of allowed values, setting by setting.

The loader checks every value with this table, so it reports all mistakes at once. The JSON schema repeats the
table for editors. The constructors check the same again, as the last defence.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from adapters.contract.allowances import budget_of
from adapters.http.settings import base_of, cookie_of, header_of, name_of, token_of
from adapters.openai.dialect import ability, body_field, omitted, option, path_of, query_field, renamed
from router.policy.gateway import checked_host, checked_origin
from router.policy.timeouts import MINIMUM
from router.replicas.replicas import checked_url

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class Range:
    """The numbers that are allowed.

    Attributes:
        least: The lower bound.
        most: The upper bound.
        above: Whether the lower bound itself is too low.
        below: Whether the upper bound itself is too high.
        unit: What is counted.
        also: Further numbers.
        note: Why.
    """

    least: float = -math.inf
    most: float = math.inf
    above: bool = False
    below: bool = False
    unit: str = ""
    also: tuple[float, ...] = ()
    note: str = ""

    @property
    def words(self) -> str:
        """The range in words."""
        lower = f"{'more than' if self.above else 'at least'} {self.least:g}"
        upper = (
            "finite" if self.most == math.inf else f"{'less than' if self.below else 'at most'} {self.most:g}"
        )
        text = lower if self.most == math.inf and not self.below else f"{lower} and {upper}"
        if not self.above and not self.below and math.isfinite(self.most):
            text = f"from {self.least:g} to {self.most:g}"
        return " ".join([*(f"{number:g}, or" for number in self.also), text, self.unit]).rstrip() + self.note

    def complaint(self, value: Any) -> str | None:
        """Return what is wrong with a number, or None."""
        lower = value > self.least if self.above else value >= self.least
        upper = value < self.most if self.below else value <= self.most
        if value in self.also or (lower and upper):
            return None
        return f"is {shown_number(value)}; it must be {self.words}"

    def schema(self) -> dict[str, Any]:
        """Return the bounds for a JSON schema."""
        bounds: dict[str, Any] = {"exclusiveMinimum" if self.above else "minimum": self.least}
        if math.isfinite(self.most):
            bounds["exclusiveMaximum" if self.below else "maximum"] = self.most
        others = [{"const": number} for number in self.also]
        return {"anyOf": [*others, bounds]} if others else bounds


@dataclass(frozen=True, slots=True)
class Form:
    """How a text must be written.

    Attributes:
        pattern: A regular expression that describes the whole text.
        words: The message for every other text; it never repeats the text.
    """

    pattern: str
    words: str

    def complaint(self, value: Any) -> str | None:
        """Return what is wrong with a text, or None."""
        return None if re.fullmatch(self.pattern, value) else self.words

    def schema(self) -> dict[str, Any]:
        """Return the pattern for a JSON schema."""
        return {"pattern": f"^(?:{self.pattern})$"}


@dataclass(frozen=True, slots=True)
class Check:
    """A check that the adapters make too.

    Attributes:
        function: Raises TypeError or ValueError for a value that cannot be used. For a table it is called
            with each pair of key and value.
    """

    function: Callable[[Any], object]

    def complaint(self, value: Any) -> str | None:
        """Return what is wrong with a value, or None."""
        try:
            self.function(value)
        except (TypeError, ValueError) as error:
            return str(error)
        return None

    def schema(self) -> dict[str, Any]:
        """Return nothing: a JSON schema cannot say it."""
        return {}


Rule: TypeAlias = Range | Form | Check


def _each(names: str, rule: Rule) -> dict[str, Rule]:
    return dict.fromkeys(names.split(), rule)


_SECONDS: Final = Range(0, above=True, unit="seconds")
_PAUSE: Final = Range(0, unit="seconds")
_FINITE: Final = Range(0, below=True)
_BREAK: Final = Range(0, above=True, below=True, unit="seconds")
_SHARE: Final = Range(0, 1, above=True)
_POSITIVE: Final = Range(0, above=True)
_NAME: Final = Check(name_of)
_KEY: Final = Check(lambda value: header_of("authorization", value))
_HEADER: Final = Check(lambda pair: header_of(token_of(pair[0], "header"), pair[1]))
_COOKIE: Final = Check(lambda pair: cookie_of(token_of(pair[0], "cookie"), pair[1]))
_ID: Final = Form(r"[\s\S]*\S[\s\S]*", "is blank; give the id that the page's data-system shows")
_PAGE: Final = Form(r"/(?!/)[^#]*", "must be a path that begins with one slash, such as '/chat/'")

RULES: Final[Mapping[str, Mapping[str, Rule]]] = {
    "Timeouts": _each("first_content stall reserve probe probe_answer close slot drip_window", _SECONDS)
    | {"total": Range(MINIMUM, unit="seconds", note=": no attempt starts with less")}
    | {"drip_rate": Range(0, above=True, unit="characters per second")},
    "RetryPolicy": _each("backoff backoff_cap patience remember quota_pause missing_model_pause", _PAUSE)
    | _each("attempts stay", Range(1, 5)),
    "RetryBudget": _each("share per_second", _FINITE) | {"capacity": Range(1, also=(0,))},
    "HedgePolicy": _each("delay fallback least", _PAUSE) | {"percentile": _SHARE},
    "BreakerPolicy": _each("window open_for open_cap trial_limit slow_call", _BREAK)
    | _each("consecutive minimum", Range(1))
    | _each("ratio slow_ratio", _SHARE)
    | {"growth": Range(1, below=True), "jitter": Range(0, 1, below=True)},
    "Interruption": {"times": Range(1, 5)},
    "GatewaySettings": _each("body_seconds head_seconds queue_seconds comment_after", _SECONDS)
    | _each("body concurrency", Range(1))
    | {"head": Range(1024, unit="bytes"), "queue": Range(0), "drain": _PAUSE}
    | {"cors": Check(checked_origin), "hosts": Check(checked_host)},
    "ClientKey": _each(
        "concurrency requests_per_minute tokens_per_minute requests_per_day tokens_per_day", Range(1)
    )
    | {"cost_per_day": _POSITIVE},
    "Weighted": {"weights": _FINITE},
    "Fastest": {"explore": Range(0, 1), "half_life": _SECONDS},
    "Replicas": {
        "url": Check(checked_url),
        "namespace": Form("[A-Za-z0-9._-]{1,64}", "must be 1 to 64 letters, digits, '.', '_' or '-'"),
    },
    "Limits": _each("connections line reply body error_body steps empty", _POSITIVE)
    | _each("idle_connections drain", Range(0))
    | _each("idle_seconds drain_seconds", _PAUSE)
    | _each("error_seconds silence_after_finish", _SECONDS),
    "Adapter": _each("first_content stall", _SECONDS) | {"name": _NAME},
    "Price": _each("input output cached_input cache_write reasoning per_request", _FINITE),
    "HTTPAdapter": {"base_url": Check(base_of)},
    "HTTPSettings": _each("connect_timeout cleanup_timeout first_content stall", _SECONDS)
    | _each("concurrency requests_per_minute tokens_per_minute daily_requests", Range(1))
    | {"budget": Check(lambda pair: budget_of(dict([pair])))}
    | {"name": _NAME, "headers": _HEADER, "cookies": _COOKIE},
    "Anthropic": {
        "api_key": _KEY,
        "api_keys": _KEY,
        "auth_token": _KEY,
        "max_tokens": Range(1, unit="tokens"),
        "version": Form(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "must be a date, such as '2023-06-01'"),
        "betas": Form(r"[A-Za-z0-9._-]+", "must be a name of letters, digits, '.', '_' and '-'"),
    },
    "Aura": {"token_limit": Range(0, above=True, unit="tokens")},
    "ChatAnywhere": _each("api_key api_keys", _KEY)
    | {"refusals": Form(r"[\s\S]+", "is empty; write a phrase")},
    "OpenAICompatible": _each("api_key api_keys", _KEY),
    "OpenAISettings": {
        "body": Check(body_field),
        "capabilities": Check(ability),
        "key_header": Check(lambda name: token_of(name, "header")),
        "models_path": Check(path_of),
        "omit": Check(omitted),
        "query": Check(query_field),
        "refuses": Check(lambda name: option(name, "refuses")),
        "rename": Check(renamed),
        "takes": Check(lambda name: option(name, "takes")),
    },
    "OpenAssistant": _each("silence polling", _SECONDS),
    "Opchatgpts": _each("bot_id custom_id", _ID) | {"page": _PAGE},
}
"""Class -> setting -> what is allowed; settings without a rule may have every value of their type."""

ORDERED: Final = {"RetryPolicy": ("stay", "attempts"), "BreakerPolicy": ("open_for", "open_cap")}
"""Class -> two settings, of which the first must not be larger than the second."""
_OURS: Final = ("adapters", "router")


def rules_of(owner: type) -> Mapping[str, Rule]:
    """Return the rules of a class's settings and those of its bases, as far as the classes are ours."""
    ours = (each for each in reversed(owner.__mro__) if each.__module__.partition(".")[0] in _OURS)
    return {name: rule for each in ours for name, rule in RULES.get(each.__name__, {}).items()}


def shown_number(value: float) -> str:
    """Return a number, unless it is very long."""
    if isinstance(value, int) and abs(value) >= 10**15:
        return "over 15 digits long"  # and Python refuses to write the longest
    return str(value)
