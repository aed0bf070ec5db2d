"""A file in which every table stands and every key of one provider, and ways to bend it."""

import tomllib
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

from router.config import Config, load, writing
from router.errors import ConfigError, ConfigMistake

KEY = "sk-hunter2-of-the-environment"
TOKEN = "hunter2.token.in.a.file"
ENVIRON = {"SOME_KEY": KEY, "A_COOKIE": KEY, "SITE": "http://127.0.0.1:3"}
GOOD = """\
[[provider]]
adapter = "openai"
name = "first"
base_url = "http://127.0.0.1:1/v1"
api_key = { env = "SOME_KEY" }
model = "small"
models = { fast = "small-1", good = "large-1" }
proxy = "http://127.0.0.1:8"
connect_timeout = 2.5
cleanup_timeout = 2
verify = true
trust_env = false
concurrency = 3
requests_per_minute = 60
tokens_per_minute = 90000
daily_requests = 1000
budget = { usd = 5 }

[provider.headers]
x-title = { plain = "my application" }
authorization-2 = { file = "token" }

[provider.cookies]
session = { env = "A_COOKIE" }

[provider.limits]
connections = 7
idle_seconds = 0.5

[[provider]]
adapter = "opchatgpts"
base_url = { env = "SITE" }
page = "/chat"
bot_id = "one"

[[provider]]
adapter = "open_assistant"
base_url = "http://127.0.0.1:4"
session_token = { file = "token" }
silence = 20

[[provider]]
adapter = "aura"
token_limit = 4096

[[provider]]
adapter = "chat_anywhere"
refusals = ["no", "never"]

[prices]
currency = "USD"

[prices.table.first.small-1]
input = 0.15
output = 0.6
cached_input = 0.075

[prices.table.first."*"]
per_request = 0.01

[timeouts]
first_content = 20
stall = 21
total = 120
drip_rate = 5

[retry]
attempts = 3
stay = 2
backoff = 0.1
wait_for_held = true
dispositions = { ContentRefused = "failover", Busy = "abort" }

[retry.budget]
share = 0.5
capacity = inf

[retry.hedge]
delay = 3

[breaker]
consecutive = 4
ratio = false

[strategy]
kind = "weighted"
weights = { first = 3, opchatgpts = 1, open_assistant = 1, aura = 0, chat_anywhere = 0.5 }

[interruption]
action = "restart"
times = 2

[gateway]
body = 1000000
comment_after = 15
admin_key = { file = "token" }
cors = ["https://chat.example.org"]
hosts = ["gateway.example.org"]

[[gateway.keys]]
name = "team"
key = { env = "SOME_KEY" }
models = ["small", "first/large-1"]
requests_per_minute = 60
"""
Where = tuple[str | int, ...]


def put(folder: Path, text: str) -> Path:
    """Write a configuration, and the secret beside it, to a folder."""
    secret = folder / "token"
    if not secret.exists():
        secret.write_text(TOKEN + "\n", encoding="utf-8")
        secret.chmod(0o600)
    file = folder / "router.toml"
    file.write_text(text, encoding="utf-8", newline="")
    return file


def read(folder: Path, text: str) -> Config:
    return load(put(folder, text), ENVIRON)


def mistakes(folder: Path, text: str) -> tuple[ConfigMistake, ...]:
    """Return what is wrong with a configuration; nothing, where it is right."""
    try:
        read(folder, text)
    except ConfigError as error:
        raised = error
    else:
        return ()
    assert KEY not in str(raised)
    assert TOKEN not in str(raised)
    return raised.mistakes


def document() -> dict[str, Any]:
    return tomllib.loads(GOOD)


def dump(table: dict[str, Any]) -> str:
    """Write a document with one line for each top-level key."""
    return "".join(f"{writing.key(name)} = {writing.value(item)}\n" for name, item in table.items())


def places(value: Any, where: Where = ()) -> Iterator[Where]:
    """Yield where each key and each item of an array stands."""
    items: Any = value.items() if isinstance(value, dict) else enumerate(value)
    for step, item in items:
        yield (*where, step)
        if isinstance(item, dict | list):
            yield from places(item, (*where, step))


def at(table: Any, where: Where) -> Any:
    for step in where:
        table = table[step]
    return table


def bent(where: Where, **change: Any) -> dict[str, Any]:
    """Return the good document without one key, or with another name or value for it."""
    table = document()
    holder = at(table, where[:-1])
    value = deepcopy(holder[where[-1]])
    if "name" in change:
        renamed = {change["name"] if key == where[-1] else key: item for key, item in holder.items()}
        holder.clear()
        holder.update(renamed)
    else:
        del holder[where[-1]]
        if "value" in change:
            value = change["value"]
            if isinstance(holder, list):
                holder.insert(where[-1], value)  # type: ignore[arg-type]  # it is the index of a list
            else:
                holder[where[-1]] = value
    return table
