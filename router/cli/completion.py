"""`chat-router completion`: prints what makes a shell complete commands, options, names and files.

Each script hands the line up to the cursor to the command, and gets a line for each possible word, with its
description behind a tab; where there is none, the shell completes names of files.
"""

from __future__ import annotations

import sys
from typing import Annotated, Final

import typer

from router.cli.exits import OK
from router.cli.mistakes import choice
from router.cli.options import one_of

EPILOG: Final = """Examples:

[bold]chat-router completion[/]

[bold]source <(chat-router completion bash)[/]

Without a shell it says how to install each. Exit codes: 0 success, 64 usage error."""
_ASK: Final = "_CHAT_ROUTER_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args _TYPER_COMPLETE_ARGS"
_BASH: Final = (
    """\
# Completion of chat-router for bash; to install it:
#   chat-router completion bash > ~/.chat-router.bash && echo 'source ~/.chat-router.bash' >> ~/.bashrc
_chat_router() {
    local line="${COMP_LINE:0:COMP_POINT}" word="" split="" found=""
    [[ $line == *" " ]] || word="${line##* }"
    # bash takes a word apart at : and =, and replaces only its last part.
    [[ $COMP_WORDBREAKS == *:* && $word == *:* ]] && split="${word%:*}:"
    COMPREPLY=()
    while IFS=$'\\t' read -r found _; do
        [[ -n $found ]] && COMPREPLY+=("${found#"$split"}")
    done < <("""
    + f'{_ASK}="$line" "$1" 2>/dev/null)'
    + """
}
complete -o default -F _chat_router chat-router
"""
)
_ZSH: Final = (
    """\
#compdef chat-router
# Completion of chat-router for zsh; to install it:
#   mkdir -p ~/.zfunc && chat-router completion zsh > ~/.zfunc/_chat-router
#   echo 'fpath+=~/.zfunc; autoload -Uz compinit; compinit' >> ~/.zshrc
_chat_router() {
    local -a found described
    local each
    found=("${(@f)$("""
    + f'{_ASK}="${{words[1,CURRENT]}}" "$words[1]" 2>/dev/null)}}")'
    + """
    for each in $found; do  # a word, and behind a tab what it is
        local word="${${each%%$'\\t'*}//:/\\\\:}"
        [[ $each == *$'\\t'* ]] && word+=":${each#*$'\\t'}"
        described+=("$word")
    done
    if (( $#described )); then
        _describe -V chat-router described
    else
        _files
    fi
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _chat_router "$@"
else
    compdef _chat_router chat-router
fi
"""
)
_FISH: Final = (
    """\
# Completion of chat-router for fish; to install it:
#   chat-router completion fish > ~/.config/fish/completions/chat-router.fish
function __chat_router_complete
    set -l found (env """
    + f"{_ASK}=(commandline -cp | string collect) (commandline -po)[1] 2>/dev/null | string match -r '.+')"
    + """
    if test (count $found) -gt 0
        printf '%s\\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete --command chat-router --no-files --arguments '(__chat_router_complete)'
"""
)
SCRIPTS: Final = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def command(
    shell: Annotated[
        str | None,
        typer.Argument(metavar="[SHELL]", help="bash, zsh or fish.", autocompletion=one_of(*SCRIPTS)),
    ] = None,
) -> int:
    """Print a script that completes words with the tab key, or how to install it."""
    if shell is not None:
        sys.stdout.write(SCRIPTS[choice("shell", shell, tuple(SCRIPTS))])
        return OK
    for name, script in SCRIPTS.items():
        lines = script.splitlines()
        start = next(at for at, line in enumerate(lines) if line.endswith("to install it:"))
        sys.stdout.write(f"{name}:\n")
        for line in lines[start + 1 :]:
            if not line.startswith("#   "):
                break
            sys.stdout.write(f"  {line[4:]}\n")
    sys.stdout.write("then begin a new shell\n")
    return OK
