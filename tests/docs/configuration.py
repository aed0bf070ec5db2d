"""Makes docs/reference/configuration.md of the schema of `router.toml`.

python -m tests.docs.configuration
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from router.config import schema
from tests.docs.pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PAGE: Final = ROOT / "docs" / "reference" / "configuration.md"

_HEAD: Final = """# Configuration reference

Every key of `router.toml`, with its type and default; made of the schema by
`python -m tests.docs.configuration`.
[The guide](../guides/configuration.md) says how the file is written, found and trusted. A *reference* is
`{ env = "NAME" }`, `{ file = "path" }` or `{ command = [...] }`; texts of a provider may be written so.
"""
_BOUNDS: Final = {
    "minimum": "at least {}",
    "exclusiveMinimum": "over {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "under {}",
}
_SECTIONS: Final = {
    "Timeouts": "[timeouts]",
    "RetryPolicy": "[retry]",
    "RetryBudget": "[retry.budget]",
    "HedgePolicy": "[retry.hedge]",
    "BreakerPolicy": "[breaker]",
    "Priority": '[strategy] with kind = "priority"',
    "Weighted": '[strategy] with kind = "weighted"',
    "Fastest": '[strategy] with kind = "fastest"',
    "Cheapest": '[strategy] with kind = "cheapest"',
    "Interruption": "[interruption]",
    "Prices": "[prices]",
    "Price": "[prices.table.PROVIDER.MODEL]",
    "GatewaySettings": "[gateway]",
    "ClientKey": "[[gateway.keys]]",
    "Replicas": "[replicas]",
    "Limits": "limits of a provider",
    "Certificates": "verify of a provider, as a table",
}
_PROVIDERS: Final = (
    "OpenAICompatible OpenAIPreset Anthropic H2o Opchatgpts Aura ChatAnywhere OpenAssistant OtherAdapter"
)


def _value(value: Any) -> str:
    return "true" if value is True else "false" if value is False else str(value)


def _type(node: Mapping[str, Any]) -> str:
    """What a value may be, in words."""
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        return "reference" if name == "reference" else f"`{_SECTIONS.get(name, name)}`"
    for several in ("allOf", "anyOf", "oneOf"):
        if several in node:
            return " or ".join(dict.fromkeys(_type(each) for each in node[several]))
    if "const" in node:
        return f"`{_value(node['const'])}`"
    if "enum" in node:
        return " or ".join(f"`{_value(each)}`" for each in node["enum"])
    words = {"object": "table", "array": "list", "string": "text"}.get(node.get("type", ""), node.get("type"))
    bounds = [text.format(node[name]) for name, text in _BOUNDS.items() if name in node]
    if isinstance(node.get("items"), dict):
        words = f"list of {_type(node['items'])}"
    return f"{words or 'any'} ({', '.join(bounds)})" if bounds else str(words or "any")


def _rows(properties: Mapping[str, Any]) -> Iterator[str]:
    yield "| key | type | default | what it is |"
    yield "|---|---|---|---|"
    for key, node in properties.items():
        default = f"`{_value(node['default'])}`" if "default" in node else ""
        cells = (f"`{key}`", _type(node), default, node.get("description", ""))
        yield "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"


def page() -> str:
    """The page, as it stands beside the code."""
    definitions = schema()["definitions"]
    names = _PROVIDERS.split()
    if missing := set(definitions) - {"reference", *names, *_SECTIONS}:
        raise ValueError(f"the schema defines {sorted(missing)}: give each a section in {__name__}")
    adapters = [definitions[name]["properties"] for name in names if name != "OtherAdapter"]
    shared = {
        key: node
        for key, node in adapters[0].items()
        if all(each.get(key) == node for each in adapters) and key != "adapter"
    }
    lines = [_HEAD, "## Every provider over HTTP", "", *_rows(shared), ""]
    for name in names:
        node = definitions[name]
        like = definitions["OpenAICompatible"]["properties"] if name == "OpenAIPreset" else {}
        own = {
            key: each
            for key, each in node["properties"].items()
            if key not in shared and like.get(key) != each
        }
        lines += [f"## Providers: {name}", "", node.get("description", ""), "", *_rows(own), ""]
        lines += ["All other keys are those of OpenAICompatible.", ""] if like else []
    for name, title in _SECTIONS.items():
        node = definitions[name]
        lines += [f"## {title}", "", node.get("description", ""), ""]
        lines += [*_rows(node["properties"]), ""] if node.get("properties") else []
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
