"""The commands and their options. Each loads what it needs when it runs, so that help is quick."""

from __future__ import annotations

import errno
import os
import sys
from typing import Annotated, Any, Final

import typer

from adapters.contract.reader import told_to
from router.cli import completion as completion_command
from router.cli import doctor as doctor_command
from router.cli import health as health_command
from router.cli import history as history_command
from router.cli import init as init_command
from router.cli import listing as listing_command
from router.cli import serve as serve_command
from router.cli.chat import command as chat_command
from router.cli.config import app as config_commands
from router.cli.exits import CANCELLED, OK, OUTPUT, PIPE, USAGE
from router.cli.mistakes import Mistake, one_line
from router.cli.options import Backend, ConfigFile, Providers, Strategy, one_of
from router.cli.reader import CommandReader
from router.cli.version import version_line

_NAME: Final = "chat-router"
_COMPLETE: Final = "_CHAT_ROUTER_COMPLETE"
"""The variable in which typer's completion scripts say what they want."""
_TYPERS: Final = ("install_completion", "show_completion")
_ABOUT: Final = """One dependable chat stream out of several undependable providers.

Services: aura, chat_anywhere, h2o, open_assistant, openai (any OpenAI-compatible API), opchatgpts, and \
those that `chat-router providers` lists, such as groq and ollama."""
_EXAMPLES: Final = """Examples:

[bold]chat-router demo[/]

[bold]chat-router init[/]

[bold]chat-router chat --config router.toml[/]

[bold]chat-router ask 'Why is the sky blue?' --provider h2o=https://chat.example.org[/]

[bold]chat-router health --demo[/]

Exit codes: 0 success, 64 usage error, 130 Ctrl-C; the help of each command lists its own."""
_ASK: Final = """Examples:

[bold]chat-router ask 'Hello' -p h2o=https://chat.example.org -p openai=https://api.example.org/v1#small[/]

[bold]git diff | chat-router ask --system 'Review this change' -p openai=http://localhost:11434/v1#llama3[/]

[bold]chat-router ask 'Hello' --config router.toml[/]

[bold]chat-router ask 'Hello' -p openai -p openrouter -p ollama#llama3[/]

Without --provider and --config, it asks the providers of router.toml in this folder. Without that file it \
asks the services whose usual variable holds a key, and then local servers; it says first whom it asks.

Write a provider as SERVICE=URL, or in full as LABEL:SERVICE=URL#MODEL; one that `chat-router providers` \
lists needs no URL. LABEL names a second provider of the same service. MODEL is its default model; --model \
overrides it.

Secrets come from the environment: CHAT_ROUTER_<NAME>_API_KEY, CHAT_ROUTER_<NAME>_SESSION_TOKEN, \
CHAT_ROUTER_<NAME>_COOKIE, where NAME is the label, or else the service, as in CHAT_ROUTER_OPENAI_API_KEY.

Exit codes: 0 complete, 1 no provider answered, 3 the reply broke off, 64 usage error, 130 Ctrl-C, 141 the \
reader of the output closed it."""
_SIMULATE: Final = """Examples:

[bold]chat-router simulate h2o --port 8001 --text 'You said: {prompt}'[/]

[bold]chat-router simulate openai --fault 429 --fault-times 1 --retry-after 2[/]

[bold]chat-router simulate h2o openai --port 8001[/]

[bold]chat-router simulate --list[/]

Several services take consecutive ports. Exit code: 128 and the number of the signal that stopped it."""

app = typer.Typer(
    name=_NAME,
    help=_ABOUT,
    epilog=_EXAMPLES,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _simulated(incomplete: str) -> list[str]:
    """Return the services that can be simulated, for the shell."""
    from adapters.simulators import SIMULATORS

    return one_of(*sorted(SIMULATORS))(incomplete)


def _faults(incomplete: str) -> list[str]:
    """Return the faults that all simulated services have, for the shell."""
    from adapters.simulators.faults import FAULTS

    return one_of(*FAULTS)(incomplete)


@app.callback(invoke_without_command=True)
def _main(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version, and exit.")] = False,
) -> None:
    if version:
        sys.stdout.write(version_line() + "\n")
        raise typer.Exit
    if context.invoked_subcommand is None:
        from router.cli.front_page import front_page
        from router.cli.running import run_work

        raise typer.Exit(run_work(front_page, "asyncio"))


def _demo(
    prompt: Annotated[str | None, typer.Option(metavar="TEXT", help="The question.")] = None,
    speed: Annotated[float, typer.Option(metavar="FACTOR", help="Speed; 2 is twice as fast.")] = 1.0,
    backend: Backend = "asyncio",
) -> int:
    """Watch six simulated services fail and answer, in a few seconds, without a network."""
    from router.cli.demo import PROMPT, check_speed, demo
    from router.cli.running import run_work

    pace = check_speed(speed)
    return run_work(lambda: demo(one_line(prompt or "") or PROMPT, pace), backend)


def _ask(
    prompt: Annotated[
        str | None,
        typer.Argument(metavar="PROMPT", help="The question; '-' or nothing reads standard input."),
    ] = None,
    provider: Providers = None,
    config: ConfigFile = None,
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="Model to ask every provider for.")
    ] = None,
    system: Annotated[str | None, typer.Option(metavar="TEXT", help="A system message.")] = None,
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Time limit for the whole reply.")
    ] = None,
    temperature: Annotated[float | None, typer.Option(metavar="X", help="Sampling temperature.")] = None,
    max_tokens: Annotated[
        int | None, typer.Option(metavar="N", help="Maximum length of the reply in tokens.")
    ] = None,
    strategy: Strategy = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of the text.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Print each attempt to standard error.")
    ] = False,
    backend: Backend = "asyncio",
) -> int:
    """Ask one question; the first provider that answers streams to standard output."""
    from router.cli.ask import Question, ask, read_prompt
    from router.cli.chain import chain_of
    from router.cli.running import run_work

    chain = chain_of(provider or (), config, demo=False, model=model, strategy=strategy)
    options = {"temperature": temperature, "max_tokens": max_tokens}
    question = Question(
        chain, read_prompt(prompt), system, model, timeout, options, as_json=as_json, verbose=verbose
    )
    question.check()
    return run_work(lambda: ask(question), backend)


def _simulate(
    service: Annotated[
        list[str] | None,
        typer.Argument(metavar="SERVICE...", help="Which services to simulate.", autocompletion=_simulated),
    ] = None,
    fault: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Fault to simulate; see --list.", autocompletion=_faults),
    ] = None,
    fault_times: Annotated[int | None, typer.Option(metavar="N", help="Fail N times, then work.")] = None,
    retry_after: Annotated[str | None, typer.Option(metavar="V", help="Retry-After of a 429 or 503.")] = None,
    text: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Reply text; {prompt} inserts the question.")
    ] = None,
    delay: Annotated[float, typer.Option(metavar="SECONDS", help="Pause before each word.")] = 0.02,
    port: Annotated[int, typer.Option(metavar="N", help="Port; 0 picks a free one.")] = 0,
    everything: Annotated[bool, typer.Option("--list", help="List services and faults.")] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Go on when the shell or program that started it ends.")
    ] = False,
    backend: Backend = "asyncio",
) -> int:
    """Run simulated services on 127.0.0.1 until Ctrl-C, or until what started them ends."""
    from router.cli.output import console_for
    from router.cli.running import run_work
    from router.cli.simulate import Simulation, listing, simulate

    if everything:
        sys.stdout.write(listing(service[0] if service else None, console_for(sys.stdout).width) + "\n")
        return OK
    if not service:
        raise Mistake("name a service, as in: simulate h2o; --list shows all services and faults")
    simulators = [
        Simulation(name, fault, fault_times, retry_after, text, delay, port and port + number).build()
        for number, name in enumerate(service)
    ]
    return run_work(lambda: simulate(simulators, stays=keep), backend)


app.command("demo")(_demo)
app.command("init", epilog=init_command.EPILOG)(init_command.command)
app.command("doctor", epilog=doctor_command.EPILOG)(doctor_command.command)
app.command("ask", epilog=_ASK)(_ask)
app.command("chat", epilog=chat_command.EPILOG)(chat_command.command)
app.command("health", epilog=health_command.EPILOG)(health_command.command)
app.command("history", epilog=history_command.EPILOG)(history_command.command)
app.command("providers", epilog=listing_command.EPILOG)(listing_command.command)
app.command("serve", epilog=serve_command.EPILOG)(serve_command.command)
app.command("simulate", epilog=_SIMULATE)(_simulate)
app.command("completion", epilog=completion_command.EPILOG)(completion_command.command)
app.add_typer(config_commands, name="config")

_UsageError: Final[Any] = typer.BadParameter.__bases__[0]  # typer brings a click of its own since 0.20-odd
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def run(arguments: list[str]) -> int:
    """Run the command and return its exit code; a usage error becomes one line on standard error."""
    _open_missing_streams()
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        _give_up_output()
        return PIPE
    except OSError as error:
        if error.errno not in _FULL:
            raise
        _give_up_output()
        sys.stderr.write(f"{_NAME}: standard output cannot be written: {error.strerror}\n")
        return OUTPUT
    except KeyboardInterrupt:
        return CANCELLED
    return code


def _run(arguments: list[str]) -> int:
    command = typer.main.get_command(app)
    # Typer's own scripts take no name behind a colon in bash; router.cli.completion has others.
    command.params = [each for each in command.params if each.name not in _TYPERS]
    if _COMPLETE in os.environ:  # a shell asks what can follow; this ends the process
        command.main(arguments, prog_name=_NAME)
    arguments = list(health_command.spelled_out(arguments))
    try:
        # Not `command.main`, which turns a reader that went away into exit code 1.
        with told_to(CommandReader()), command.make_context(_NAME, arguments) as context:
            result = command.invoke(context)
    except Mistake as mistake:
        text = str(mistake)
    except _UsageError as error:
        text = _usage(error)
    except typer.Exit as exit_:
        return exit_.exit_code
    else:
        return result if isinstance(result, int) else OK
    from router.cli.output import say

    say(f"{_NAME}: {text}")
    return USAGE


def _usage(error: Any) -> str:
    """Return typer's sentence about a wrong argument in one line, with the way to help."""
    text = one_line(error.format_message()).partition(", unable to parse")[0].rstrip(".")
    if getattr(error, "possibilities", None):
        text = f"{one_line(error.message)}; did you mean {' or '.join(error.possibilities)}?"
    text = text.replace(". Did you mean", "; did you mean")
    text += _further(error, text)
    path = error.ctx.command_path if error.ctx is not None else _NAME
    end = "" if text.endswith("?") else ";"
    return f"{text[:1].lower()}{text[1:]}{end} see {path} --help"


def _further(error: Any, text: str) -> str:
    """Return what else to say: which commands there are, or how a question of several words is written."""
    command = getattr(error.ctx, "command", None)
    commands = getattr(command, "commands", None)
    if (
        commands
        and not text.endswith("?")
        and text.lower().startswith(("no such command", "missing command"))
    ):
        return f". There are: {', '.join(commands)}"
    if getattr(command, "name", None) == "ask" and "extra argument" in text:
        return "; put a question of several words in quotes"
    return ""


def _open_missing_streams() -> None:
    """Open /dev/null for each standard stream that the process lacks (`>&-`)."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - for the process's life
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _give_up_output() -> None:
    """Redirect both outputs to /dev/null, so that their flush at exit raises nothing."""
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(null, stream.fileno())
