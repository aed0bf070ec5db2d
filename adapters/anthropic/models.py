"""What a model of Anthropic takes, told by its name. Pure.

Names have their version behind the family (`claude-sonnet-4-5-20250929`, `claude-opus-5-5`) or before it
(`claude-3-7-sonnet-20250219`). A name without one, as other services with this API have them, gets what most
of those take. Sources:

- limits of output: https://platform.claude.com/docs/en/models/haiku-5-5/overview (a page for each model)
- thinking: https://platform.claude.com/docs/en/build-with-claude/thinking-troubleshooting and
  https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-adaptive-thinking.html
- sampling: https://platform.claude.com/docs/en/api/versioning (removed in 2026-10-21), "`temperature` is
  deprecated for this model" from Opus 4.7 on: https://github.com/sipeed/picoclaw/issues/2939, "`temperature`
  and `top_p` cannot both be specified": https://github.com/open-webui/functions/pull/9
- structured outputs: https://platform.claude.com/docs/en/build-with-claude/structured-outputs
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

__all__ = ["NO_SAMPLING_SINCE", "ModelTraits", "traits_of"]

Thinking = Literal["none", "budget", "adaptive", "always"]

NO_SAMPLING_SINCE: Final = "2026-10-21"
"""The version of the API that refuses temperature, top_p and top_k whatever the model."""
_FAMILIES: Final = "opus|sonnet|haiku|fable|mythos"
_BEHIND: Final = re.compile(
    rf"claude-(?P<family>{_FAMILIES})-(?P<major>\d{{1,2}})(?:[-.](?P<minor>\d{{1,2}}))?(?!\d)"
)
_BEFORE: Final = re.compile(
    rf"claude-(?P<major>\d{{1,2}})(?:[-.](?P<minor>\d{{1,2}}))?-(?P<family>{_FAMILIES})"
)
_ALWAYS: Final = ("fable", "mythos")


@dataclass(frozen=True, slots=True)
class ModelTraits:
    """What one model takes.

    Attributes:
        max_tokens: The default of `max_tokens`, which the API demands: the most that the model writes.
        thinking: How it is told to think: not at all, by a budget of tokens, by an effort (`adaptive`), or by
            an effort alone, since it thinks in any case (`always`).
        sampling: Whether it takes temperature, top_p and top_k.
        both: Whether it takes temperature and top_p together.
        schemas: Whether it takes a JSON schema for the reply.
    """

    max_tokens: int = 8192
    thinking: Thinking = "budget"
    sampling: bool = True
    both: bool = True
    schemas: bool = False


@lru_cache(maxsize=64)
def traits_of(model: str | None) -> ModelTraits:
    """Return what a model takes.

    Args:
        model: The service's own name of it; a prefix or suffix of a cloud does not matter.
    """
    found = _BEHIND.search(model or "") or _BEFORE.search(model or "")
    if found is None:
        return ModelTraits()
    version = (int(found["major"]), int(found["minor"] or 0))
    thinking: Thinking = "adaptive"
    if version < (3, 7):
        thinking = "none"
    elif version < (4, 6):
        thinking = "budget"
    elif found["family"] in _ALWAYS or (found["family"] == "opus" and version >= (5, 5)):
        thinking = "always"
    return ModelTraits(
        _max_tokens(found["family"], version),
        thinking,
        sampling=version < (4, 7),
        both=version < (4, 1),
        schemas=version >= (4, 5) or (found["family"] == "opus" and version == (4, 1)),
    )


def _max_tokens(family: str, version: tuple[int, int]) -> int:
    if version < (3, 5):
        return 4096
    if version < (3, 7):
        return 8192
    if version < (4, 5) and family == "opus":
        return 32_000
    return 64_000 if version < (4, 6) else 128_000
