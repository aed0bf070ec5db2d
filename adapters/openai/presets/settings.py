"""Makes the settings of an adapter out of a preset and what the user gave."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from adapters.contract.secret import Secret
from adapters.openai.presets.naming import named

if TYPE_CHECKING:
    from adapters.openai.presets.preset import Preset

_MERGED: Final = frozenset({"rename", "roles", "body", "query", "capabilities", "headers"})
"""Settings that are merged key by key; others replace those of the preset."""
_HOST: Final = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_ELSEWHERE: Final = "; for another service with such an API give its base_url"
_DEPLOYMENT: Final = "api-version"


def settings_for(
    name: str,
    base_url: str | None,
    api_key: Any,
    environ: Mapping[str, str],
    given: Mapping[str, Any],
    api_keys: Any = None,
) -> dict[str, Any]:
    """Return the arguments of `OpenAICompatible` for a preset.

    Args:
        name: The preset's, in any usual spelling.
        base_url: The address that the user gave, if any.
        api_key: The key that the user gave, if any.
        environ: Where the usual variable of the key is looked up, and `CHAT_ROUTER_<NAME>_MODEL`.
        given: Further settings of the user, which win.
        api_keys: Several keys that the user gave, if any.

    Raises:
        LookupError: No preset has this name.
        ValueError: It needs an address or a key, and there is none.
    """
    preset = named(name)
    model = environ.get(model_variable(preset.name), "").strip() or preset.model
    settings = {"name": preset.name, "model": model, **preset.settings}
    for setting, value in given.items():
        usual = settings.get(setting)
        if setting in _MERGED and isinstance(usual, Mapping) and isinstance(value, Mapping):
            value = {**usual, **value}
        settings[setting] = value
    if preset.name == "azure":
        settings |= _azure(base_url, settings)
    else:
        settings["base_url"] = preset.base_url if base_url is None else base_url
    settings["api_key"] = api_key
    if api_keys is not None:
        settings["api_keys"] = api_keys
    elif api_key is None:
        settings["api_key"] = _usual_key(preset, base_url, environ)
    return settings


def key_variable(preset: Preset, environ: Mapping[str, str]) -> str | None:
    """Return the first of a preset's variables that is set, or None."""
    return next((name for name in preset.variables if environ.get(name, "").strip()), None)


def has_ended(name: str, base_url: str | None) -> str:
    """Return that the service of a preset has ended, and what to do; nothing where it may answer.

    Args:
        name: The preset's, in any usual spelling.
        base_url: The address that the user gave, where another server answers; None: the usual one.
    """
    ended = named(name).ended if base_url is None else ""
    advice = "name another service, or give base_url where another server answers in its place"
    return f"the service ended {ended}; {advice}" if ended else ""


def model_variable(name: str) -> str:
    """Return the variable that names the model of a preset, such as `CHAT_ROUTER_GROQ_MODEL`."""
    return f"CHAT_ROUTER_{re.sub(r'[^A-Z0-9]', '_', name.upper())}_MODEL"


def takes_key_from(preset: Preset, base_url: str | None) -> bool:
    """Whether a key of a variable may be sent to an address.

    It may where the address is the preset's own, or that of another host of the same service, by https.

    Args:
        preset: Which one.
        base_url: What the user gave; None: the preset's own address.
    """
    if base_url is None:
        return True
    if not isinstance(base_url, str):
        return False  # which the adapter refuses
    if base_url.strip().rstrip("/") == preset.base_url:
        return True
    try:
        address = urlsplit(base_url.strip())
        # Only what every reader of addresses takes for a host: another one might see another host.
        host = address.hostname if _HOST.fullmatch(address.hostname or "") else None
        usual_port = address.port in (None, 443)
    except ValueError:
        return False
    own = urlsplit(preset.base_url or "").hostname
    hosts = preset.hosts if preset.local or own is None else (own, *preset.hosts)
    if host is None or address.scheme != "https" or not usual_port or address.username is not None:
        return False
    return any(host == each or (each[:1] == "." and host.endswith(each)) for each in hosts)


def _usual_key(preset: Preset, base_url: str | None, environ: Mapping[str, str]) -> Secret | None:
    if not takes_key_from(preset, base_url):
        return None
    variable = key_variable(preset, environ)
    if variable is not None:
        try:
            return Secret(environ[variable].strip(), origin=variable)
        except ValueError as error:
            raise ValueError(f"{variable}: {error}") from None
    if preset.needs_key:
        names = " or ".join(preset.variables)
        raise ValueError(
            f"{preset.name} needs a key: set the environment variable {names}, or give api_key "
            f"(see {preset.documentation}){_ELSEWHERE if preset.name == 'openai' else ''}"
        )
    return None


def _azure(base_url: str | None, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the address of an Azure resource, in the v1 form or, where a version is given, the older one."""
    if base_url is None:
        raise ValueError(
            'azure needs the address of your resource: base_url="https://NAME.openai.azure.com", and as '
            "model the name of a deployment"
        )
    if not isinstance(base_url, str) or urlsplit(base_url.strip()).path.strip("/"):
        return {"base_url": base_url}  # the user gave the whole address, which is taken as it is
    base = base_url.strip().rstrip("/")
    if _DEPLOYMENT not in (settings.get("query") or {}):
        return {"base_url": f"{base}/openai/v1"}
    model = settings.get("model")
    if not isinstance(model, str) or not model.strip() or "/" in model:
        raise ValueError(
            f"azure with query {_DEPLOYMENT} needs model, the name of a deployment: it is in the address"
        )
    return {"base_url": f"{base}/openai/deployments/{model}", "models_path": ""}
