"""`chat-router chat`: its options. The rest of this folder does the work, and is loaded when it runs."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from router.cli.options import Backend, ConfigFile, Providers, Strategy  # noqa: TC001 - typer reads them

EPILOG: Final = """Examples:

[bold]chat-router chat --demo[/]

[bold]chat-router chat --config router.toml[/]

[bold]chat-router chat -p openai -p ollama#llama3[/]

[bold]printf 'Hello\\n/retry\\n/save talk.md\\n' | chat-router chat -c router.toml[/]

Each line is a message; one that ends with a backslash goes on in the next, and lines between two lines of \
three double quotes are one message. Commands begin with a slash; /help lists them. Ctrl-C stops an answer \
and keeps what came of it; at the prompt, Ctrl-C or Ctrl-D leaves. Nothing is stored but by /save.

Exit codes: 0 left, 1 through a pipe: a question was not answered, 3 likewise: a reply broke off, 64 usage \
error, 130 Ctrl-C."""


def command(
    provider: Providers = None,
    config: ConfigFile = None,
    demo: Annotated[bool, typer.Option("--demo", help="Talk to simulated services; no network.")] = False,
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="Model to ask every provider for.")
    ] = None,
    system: Annotated[str | None, typer.Option(metavar="TEXT", help="A system message.")] = None,
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Time limit for each reply.")
    ] = None,
    temperature: Annotated[float | None, typer.Option(metavar="X", help="Sampling temperature.")] = None,
    max_tokens: Annotated[
        int | None, typer.Option(metavar="N", help="Maximum length of each reply in tokens.")
    ] = None,
    strategy: Strategy = None,
    backend: Backend = "asyncio",
) -> int:
    """Hold a conversation; each message goes to the first provider that answers."""
    from router.cli.ask import Question
    from router.cli.chain import chain_of
    from router.cli.chat.conversing import converse

    chain = chain_of(provider or (), config, demo=demo, model=model, strategy=strategy)
    options = {"temperature": temperature, "max_tokens": max_tokens}
    question = Question(chain, "Hello", system, model, timeout, options)
    question.check()
    return converse(question, backend)
