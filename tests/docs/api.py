"""Makes the pages of docs/reference/api of the docstrings.

python -m tests.docs.api

Each page has a table of its names with their first sentences, and the signature of each name and method, so
that it can be read without the site. The site's generator puts whole docstrings below (`:::` is where).
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import griffe

from tests.docs.blocking import Blocking
from tests.docs.pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FOLDER: Final = ROOT / "docs" / "reference" / "api"
PACKAGES: Final = (
    "router", "adapters", "adapters.http", "adapters.conformance", "router.gateway", "router.history",
    "router.observers", "router.replicas",
)  # fmt: skip
"""The packages of which a user imports names; each name of their `__all__` is on one page."""

WIDTH: Final = 110
"""Of a line of a signature, in characters."""

FOR_AUTHORS: Final = {"adapters.HTTPAdapter": ("_session", "_secrets", "_credentials", "_explain", "_reach")}
"""Methods that are not for users, but for who derives from the class."""


@dataclass(frozen=True)
class Page:
    """A page of the reference.

    Attributes:
        name: Its file's, without `.md`.
        title: Its heading.
        about: What it holds, as Markdown.
        names: Package -> the names of it that the page shows.
    """

    name: str
    title: str
    about: str
    names: dict[str, str]

    @property
    def paths(self) -> list[str]:
        """The names with their packages, in order."""
        return [f"{package}.{name}" for package, names in self.names.items() for name in names.split()]


PAGES: Final = (
    Page(
        "router",
        "The router",
        "Where everything starts. [Order and failing over](../../guides/failover.md) has examples.",
        {"router": "Router Monitor"},
    ),
    Page(
        "sync",
        "Without async",
        "The same router for programs without an event loop; [its guide](../../guides/sync.md).",
        {"router": "SyncRouter SyncReplyStream SyncMonitor"},
    ),
    Page(
        "replies",
        "Replies",
        "What a request gives: a stream of deltas, or the whole; with the ledger of its attempts.",
        {
            "router": "ReplyStream Reply Choice ToolCall Attempt Verdict Cost",
            "adapters": "Delta Usage ToolCallFragment Switch Beside",
        },
    ),
    Page(
        "messages",
        "Messages and options",
        "What is asked. Messages may be plain dicts of OpenAI's form; options are keyword arguments of "
        "`stream` and `complete`.",
        {"adapters": "Message ROLES ChatOptions OPTIONS"},
    ),
    Page(
        "errors",
        "Errors",
        "[The table of the errors](../errors.md) says what follows from each.",
        {
            "router": "ChatRouterError RouterError AllProvidersFailed RequestAborted StreamInterrupted "
            "ConfigError Disposition",
            "adapters": "Scope AdapterError ConnectFailed ConnectionLost ServiceFailed RateLimited Busy "
            "Unreachable FirstContentTimeout Stalled BadReply ReplyTooLarge EmptyReply Truncated "
            "ReplyRejected InvalidRequest ContextTooLong NotWorking AuthenticationFailed QuotaExhausted "
            "ModelNotFound ContentRefused LocalFailure",
            "router.history": "HistoryError",
        },
    ),
    Page(
        "policies",
        "Policies",
        "What a router is set up with. [The defaults](../defaults.md) in one table; the same settings in "
        "[the file](../configuration.md).",
        {
            "router": "Timeouts RetryPolicy RetryBudget BreakerPolicy HedgePolicy Interruption Strategy "
            "Priority Weighted Fastest Cheapest Prices Price"
        },
    ),
    Page(
        "adapters",
        "Adapters",
        "What speaks to the services. [What each takes](../services.md); "
        "[the presets](../../guides/presets.md).",
        {
            "adapters": "OpenAICompatible Anthropic H2o Opchatgpts Aura ChatAnywhere OpenAssistant "
            "Limits Secret BrowserCookies"
        },
    ),
    Page(
        "contract",
        "For authors of adapters",
        "What an adapter of your own derives from and speaks with; [its guide](../../guides/adapters.md).",
        {
            "adapters": "Adapter HTTPAdapter ChatRequest Conditions Flow Capabilities Outcome ProbeLevel "
            "ProbeResult",
            "adapters.http": "Session Answer WholeAnswer HTTPSettings ApiKey error_for_status segment",
        },
    ),
    Page(
        "health",
        "Health and history",
        "What is known about the providers, and what was; [its guide](../../guides/health.md).",
        {
            "router": "HealthReport ProviderHealth Keeper",
            "router.history": "History HistoryFile Sample ProbeSample samples_of by_provider uptime Day "
            "changes Change outages Outage spans Span strip trends Trend",
        },
    ),
    Page(
        "events",
        "Events and observers",
        "What happens to requests, for those who listen. [As log lines, metrics and spans](../events.md).",
        {
            "router": "Observer Event RequestStarted RequestEnded AttemptStarted AttemptEnded WaitStarted "
            "ReplySwitched ProbeEnded CleanUpFailed CostBooked AdapterBroke SharingChanged ObserverFailed",
            "router.observers": "OpenTelemetryObserver PrometheusObserver",
        },
    ),
    Page(
        "gateway",
        "The gateway",
        "An ASGI application; needs the extra `gateway`. [Its pages](../../operate/gateway.md).",
        {"router.gateway": "app GatewaySettings ClientKey"},
    ),
    Page(
        "replicas",
        "Replicas",
        "Processes that agree; needs the extra `replicas`. [Its page](../../operate/replicas.md).",
        {"router.replicas": "Replicas"},
    ),
    Page(
        "testing",
        "For tests",
        "Providers that play a script, servers that simulate the services, and the contract as a check; "
        "[their guide](../../guides/testing.md).",
        {
            "adapters": "ScriptedAdapter check_adapter",
            "adapters.conformance": "ConformanceReport ConformanceError Check Factory",
            "adapters.simulators": "load SIMULATORS",
        },
    ),
)


@cache
def _code() -> griffe.GriffeLoader:
    shown = griffe.load_extensions(Blocking)
    loader = griffe.GriffeLoader(search_paths=[str(ROOT)], docstring_parser="google", extensions=shown)
    for package in ("router", "adapters"):
        loader.load(package)
    loader.resolve_aliases(implicit=True, external=False)
    return loader


def found(path: str) -> griffe.Object | griffe.Alias:
    """Return what the sources have under a dotted path."""
    there: griffe.Object | griffe.Alias = _code().modules_collection[path]
    return there[there.name] if there.is_module else there  # a function named as its module hides it


def first_sentence(of: griffe.Object | griffe.Alias) -> str:
    """Return the first sentence of a docstring.

    Raises:
        ValueError: It has none.
    """
    if of.docstring is None:
        raise ValueError(f"{of.path} is public and has no docstring; write what it is in one sentence")
    paragraph = " ".join(of.docstring.value.partition("\n\n")[0].split())
    return re.split(r"(?<=\.) (?=[A-Z`])|:$", paragraph)[0]


@cache
def _public() -> frozenset[str]:
    """Where the names of all pages are defined."""
    return frozenset(found(path).canonical_path for each in PAGES for path in each.paths)


def _inherited(of: griffe.Object | griffe.Alias) -> dict[str, griffe.Alias]:
    """The public members of a class that come from a base class which no page shows."""
    inherited = of.inherited_members if of.is_class else {}
    return {
        name: member
        for name, member in inherited.items()
        if not name.startswith("_") and member.canonical_path.rpartition(".")[0] not in _public()
    }


def _members(path: str) -> Iterator[tuple[str, str, str]]:
    """The methods and properties of a class, each with its first sentence and its signature."""
    of = found(path)
    of = of.final_target if isinstance(of, griffe.Alias) else of
    for name, member in (_inherited(of) | of.members).items() if of.is_class else ():
        if name.startswith("_") and name not in FOR_AUTHORS.get(path, ()):
            continue
        if member.kind is griffe.Kind.FUNCTION:
            yield f"{name}()", first_sentence(member), _signature(name, member)
        elif "property" in member.labels:
            yield name, first_sentence(member), ""


def _table(rows: list[tuple[str, str]]) -> list[str]:
    lines = ["| name | what it is |", "|---|---|"]
    return [*lines, *(f"| {name} | {sentence.replace('|', chr(92) + '|')} |" for name, sentence in rows), ""]


def _signature(name: str, of: griffe.Object | griffe.Alias) -> str:
    """How a class or function is called; nothing for a constant, and for a class that takes nothing."""
    there = of.final_target if isinstance(of, griffe.Alias) else of
    if not isinstance(there, griffe.Class | griffe.Function):
        return ""
    told = " ".join((there.signature() or "").split())
    if " -> " not in told and isinstance(there, griffe.Function) and there.returns is not None:
        told += f" -> {there.returns}"
    return name + told[told.index("(") :] if "(" in told else ""


def _calls(signatures: Iterable[str]) -> list[str]:
    """Signatures as a block of code, each over as many lines as it needs."""
    filled = [
        textwrap.fill(each, WIDTH, subsequent_indent="    ", break_long_words=False)
        for each in signatures
        if each
    ]
    return [textwrap.indent("\n".join(filled), "    "), ""] if filled else []


def _options(path: str) -> list[str]:
    """What the site's generator is told about one name."""
    lines = []
    if inherited := _inherited(found(path)):
        lines.append(f"      inherited_members: [{', '.join(inherited)}]")
    if authors := FOR_AUTHORS.get(path):
        lines.append(f"      filters: ['!^_(?!{'|'.join(name[1:] for name in authors)})']")
    return ["    options:", *lines] if lines else []


def page(of: Page) -> str:
    """The text of a page, as it stands beside the code."""
    made = (
        "Made of the docstrings by `python -m tests.docs.api`; `make docs` builds the site with all of them."
    )
    lines = [f"# {of.title}", "", f"{of.about} {made}", ""]
    names = [path.rpartition(".")[2] for path in of.paths]
    homes = [path.rpartition(".")[0] for path in of.paths]
    rows = [
        (f"[`{name}`](#{name.lower()})", first_sentence(found(path)))
        for name, path in zip(names, of.paths, strict=True)
    ]
    lines += _table(rows)
    for name, home, path in zip(names, homes, of.paths, strict=True):
        lines += [
            f"## {name}",
            "",
            f"`from {home} import {name}`",
            "",
            *_calls([_signature(name, found(path))]),
        ]
        if members := list(_members(path)):
            lines += _table([(f"`{member}`", sentence) for member, sentence, _ in members])
            lines += _calls(signature for *_, signature in members)
        lines += [f"::: {path}", *_options(path), ""]
    return "\n".join(lines).rstrip() + "\n"


def index() -> str:
    """The page that lists the pages."""
    lines = ["# The API", "", "Every public name, made of the docstrings by `python -m tests.docs.api`.", ""]
    lines += [
        "The pages have signatures and first sentences; `make docs` builds the site, with whole docstrings.",
        "",
    ]
    lines += ["| page | names |", "|---|---|"]
    for each in PAGES:
        names = ", ".join(f"`{path.rpartition('.')[2]}`" for path in each.paths)
        lines.append(f"| [{each.title}]({each.name}.md) | {names} |")
    return "\n".join(lines) + "\n"


def texts() -> dict[str, str]:
    """The text of each file of the folder, by its name."""
    return {"index.md": index(), **{f"{each.name}.md": page(each) for each in PAGES}}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for file, text in texts().items():
        (FOLDER / file).write_text(text, encoding="utf-8")
