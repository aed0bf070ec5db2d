"""The JSON schema of a class: of a pydantic model, or of what msgspec knows (structs, dataclasses, …)."""

from __future__ import annotations

from typing import Any

import msgspec


def schema_of(kind: type) -> dict[str, Any]:
    """Return the JSON schema of `kind`, self-contained.

    Raises:
        TypeError: There is none for it.
    """
    own = getattr(kind, "model_json_schema", None)
    if callable(own):  # a pydantic model; pydantic itself need not be imported
        schema: dict[str, Any] = own()
        return schema
    try:
        schema = msgspec.json.schema(kind)
    except (TypeError, RuntimeError) as error:
        raise TypeError(
            f"option 'response_format' is the class {kind.__name__}, which has no JSON schema ({error}); "
            "pass a pydantic model, a dataclass, a msgspec struct, or the schema itself"
        ) from None
    target = schema.get("$ref", "")
    if isinstance(target, str) and target.startswith("#/$defs/") and len(schema) == 2:
        # Services want the object itself at the top, not a reference to it.
        definitions = schema["$defs"]
        top: dict[str, Any] = definitions[target.removeprefix("#/$defs/")]
        return top if len(definitions) == 1 and target not in str(top) else {**top, "$defs": definitions}
    return schema
