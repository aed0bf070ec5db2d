"""The JSON schema of `router.toml`, for editors; made of the same kinds that read the file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from router.config.loading import POLICIES, PROVIDER
from router.config.texts import reference_schema

if TYPE_CHECKING:
    from router.config.value_kinds import Schema


def schema() -> Schema:
    """Return the schema, in draft 7, which editors know best.

    It knows the keys, their types and the built-in adapters; ranges, names and references are looked at when
    the file is loaded.
    """
    definitions: dict[str, Schema] = {"reference": reference_schema()}
    provider = {
        "type": "array",
        "minItems": 1,
        "description": "The providers; their order is the priority.",
        "items": PROVIDER.schema(definitions),
    }
    policies = {name: kind.schema(definitions) for name, kind in POLICIES.items()}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "chat-router",
        "description": "The configuration of a router: its providers in order of priority, and its policies.",
        "type": "object",
        "properties": {"provider": provider, **policies},
        "required": ["provider"],
        "additionalProperties": False,
        "definitions": dict(sorted(definitions.items())),
    }


def schema_text() -> str:
    """Return the schema as it is shipped beside the code."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
