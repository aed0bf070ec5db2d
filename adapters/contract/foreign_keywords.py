"""Keywords of other libraries, and what to write here instead. Read when a keyword is refused, not before.

The names are those of tenacity (`stop`, `wait`), httpx (`timeout`, `limits`), the openai SDK (`max_retries`),
LiteLLM's Router (`num_retries`, `allowed_fails`, `cooldown_time`, `rpm`), LangChain (`request_timeout`,
`exceptions_to_handle`), urllib3 (`backoff_factor`, `total`), and pybreaker (`fail_max`, `reset_timeout`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

ADAPTER: Final = "adapter"
"""The owner of what each adapter takes."""
_MOST_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class Row:
    """A setting of this library, and what others call it.

    Attributes:
        owner: The class that takes it.
        setting: Its name.
        example: A value, where the one that was given is no number that fits.
        names: What others call it.
        repeats: Whether theirs counts repeats, so that the first attempt comes on top.
    """

    owner: str
    setting: str
    example: float | str
    names: str
    repeats: bool = False

    def written(self, value: object) -> str:
        """Return the setting with a value, as it is written between the brackets."""
        example = f"{self.example:g}" if isinstance(self.example, float) else self.example
        return f"{self.setting}={self._number(value) or example}"

    def _number(self, value: object) -> str:
        """Return the number that was given, as this setting counts; nothing where it cannot be meant."""
        kinds = int | float if isinstance(self.example, float) else int
        if isinstance(self.example, str) or isinstance(value, bool) or not isinstance(value, kinds):
            return ""
        if not math.isfinite(value) or value + self.repeats <= 0:
            return ""
        most = _MOST_ATTEMPTS if self.setting == "attempts" else value + self.repeats
        return str(min(value + self.repeats, most))

    def called(self, value: object) -> str:
        """Return the whole call that has the setting, up to the router or the adapter."""
        written = self.written(value)
        if self.setting == "base_url":
            return f"OpenAICompatible({written})"
        if self.owner == ADAPTER:
            return f"OpenAICompatible(base_url, {written})"
        if self.owner == "Limits":
            return f"OpenAICompatible(base_url, limits=Limits({written}))"
        if self.owner == "Router":
            return f"Router({self.example if self.setting == 'providers' else f'providers, {written}'})"
        if self.owner == "HedgePolicy":
            return f"Router(providers, retry=RetryPolicy(hedge=HedgePolicy({written})))"
        return f"Router(providers, {_PARAMETER[self.owner]}={self.owner}({written}))"


ROWS: Final = (
    Row(
        "Timeouts", "total", 60.0, "timeout request_timeout total_timeout default_timeout timeout_s deadline"
    ),
    Row("Timeouts", "total", 60.0, "total max_time stop_after_delay write write_timeout"),
    Row(
        "Timeouts", "stall", 30.0, "stall read read_timeout stream_timeout stream_chunk_timeout idle_timeout"
    ),
    Row("Timeouts", "first_content", 20.0, "first_content first_token_timeout first_chunk_timeout ttft"),
    Row("Timeouts", "slot", 10.0, "pool pool_timeout"),
    Row("RetryPolicy", "attempts", 3, "retries max_retries num_retries max_retry retry_count", repeats=True),
    Row("RetryPolicy", "attempts", 3, "total", repeats=True),
    Row("RetryPolicy", "attempts", 3, "attempts max_attempts stop stop_after_attempt tries max_tries"),
    Row("RetryPolicy", "backoff", 0.5, "backoff backoff_factor factor wait delay multiplier retry_delay"),
    Row("RetryPolicy", "backoff", 0.5, "base_delay initial_delay wait_initial retry_after min_delay"),
    Row("RetryPolicy", "backoff", "0.5", "wait_exponential wait_exponential_jitter jitter exponential_base"),
    Row("RetryPolicy", "backoff_cap", 5.0, "max_delay max_wait wait_max backoff_max max_backoff"),
    Row("RetryPolicy", "patience", 10.0, "max_retry_after respect_retry_after_header"),
    Row(
        "RetryPolicy",
        "dispositions",
        "{Busy: Disposition.FAILOVER}",
        "retry retry_on retry_if_exception_type exceptions exceptions_to_handle status_forcelist",
    ),
    Row("BreakerPolicy", "open_for", 15.0, "cooldown_time cooldown recovery_timeout reset_timeout"),
    Row("BreakerPolicy", "open_for", 15.0, "break_duration timeout timeout_duration wait delay"),
    Row("BreakerPolicy", "consecutive", 5, "allowed_fails fail_max max_fails max_failures failure_threshold"),
    Row("BreakerPolicy", "consecutive", 5, "threshold failures retries max_retries attempts"),
    Row("BreakerPolicy", "ratio", "0.5", "failure_ratio failure_rate error_rate failure_rate_threshold"),
    Row("BreakerPolicy", "minimum", 10, "minimum_throughput minimum_calls minimum_number_of_calls"),
    Row("BreakerPolicy", "window", 60.0, "sampling_duration sliding_window_size interval"),
    Row("HedgePolicy", "delay", 2.0, "hedge_after after timeout wait"),
    Row(ADAPTER, "connect_timeout", 5.0, "connect connect_timeout"),
    Row(ADAPTER, "requests_per_minute", 60, "rpm max_requests_per_minute requests_per_minute"),
    Row(ADAPTER, "tokens_per_minute", 10000, "tpm max_tokens_per_minute tokens_per_minute"),
    Row(ADAPTER, "concurrency", 20, "max_parallel_requests max_concurrency concurrency"),
    Row(ADAPTER, "budget", '{"usd": 5}', "max_budget provider_budget_config budget"),
    Row(ADAPTER, "headers", '{"x-name": "value"}', "default_headers extra_headers organization headers"),
    Row(ADAPTER, "transport", "httpx.AsyncHTTPTransport()", "http_client http_async_client client"),
    Row(ADAPTER, "proxy", '"http://127.0.0.1:3128"', "proxies mounts proxy"),
    Row(ADAPTER, "verify", "ssl_context", "ssl_verify verify_ssl ssl_context cert verify"),
    Row(
        ADAPTER, "base_url", '"https://api.example.org/v1"', "url api_base api_url base endpoint host address"
    ),
    Row(ADAPTER, "api_key", '"sk-..."', "api_key key token auth openai_api_key"),
    Row(ADAPTER, "model", '"gpt-4o-mini"', "model model_name default_model"),
    Row("Limits", "connections", 100, "max_connections pool_size connections"),
    Row("Limits", "idle_connections", 20, "max_keepalive_connections max_keepalive pool_maxsize"),
    Row("Limits", "idle_seconds", 15.0, "keepalive_expiry keepalive_timeout keepalive"),
    Row("Router", "providers", "[first, second]", "fallbacks model_list fallback_models default_fallbacks"),
    Row("Router", "providers", "[first, second]", "max_fallbacks context_window_fallbacks adapters"),
    Row("Router", "strategy", "Fastest()", "routing_strategy load_balancing strategy"),
    Row(
        "Router", "observers", "[observer]", "callbacks callback event_hooks before_sleep on_retry observers"
    ),
    Row("Router", "replicas", "Replicas(url)", "redis_url redis_host redis replicas"),
)
"""Of several rows with a name: that of the called class, of a class that it takes, or else the first."""

_WHY: Final = {
    "Timeouts": "a request has several clocks",
    "RetryPolicy": "a policy says when to ask again",
    "BreakerPolicy": "a breaker stops asking a provider that fails",
    "HedgePolicy": "a hedge asks a second provider beside a slow first one",
    "Limits": "each provider has connections of its own",
    ADAPTER: "each provider has its own",
    "Router": "it is given to the router",
    "Router.providers": "the next provider of the list is the fallback",
    "RetryPolicy.attempts": "attempts count the first one, too",
}
"""Class, or class and setting -> what to know before writing it."""
_PARAMETER: Final = {
    "Timeouts": "timeouts",
    "RetryPolicy": "retry",
    "BreakerPolicy": "breaker",
    "Limits": "limits",
}
"""Class -> the keyword under which another class takes an object of it."""


def instead(kind: str, name: str, value: object, known: Collection[str]) -> str:
    """Return what to write for a keyword that others have, or nothing; see `keywords.meant_by`."""
    row = row_of(kind, name, known)
    if row is None:
        return ""
    special = _WHY.get(f"{row.owner}.{row.setting}")
    why, written = special or _WHY[row.owner], row.written(value)
    parameter = _PARAMETER.get(row.owner)
    if row.owner == kind:
        head = f": {special}; write" if special else ": write"
        return f"{head} {row.called(value) if kind == 'Router' else f'{kind}({written})'}"
    if parameter in known:
        return f": {why}; write {parameter}={row.owner}({written})"
    if row.setting in known and row.owner in (ADAPTER, "Router"):
        return f": write {written}"
    return f": {why}; write {row.called(value)}"


def row_of(kind: str, name: str, known: Collection[str]) -> Row | None:
    """Return what a keyword of others means for a class, if anything."""
    rows = [row for row in ROWS if name in row.names.split()]
    if "connect_timeout" in known:  # an adapter: what it does not take, no other adapter takes in its place
        rows = [row for row in rows if row.owner != ADAPTER or row.setting in known]
    own = [row for row in rows if row.owner == kind]
    handed = [row for row in rows if _PARAMETER.get(row.owner) in known or row.setting in known]
    others = rows if kind in _WHY or {"retry", "connect_timeout"} & set(known) else []
    return next(iter(own + handed + others), None)
