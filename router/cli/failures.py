"""What a failed request means, in a sentence for the user, and what to do."""

from __future__ import annotations

from adapters.contract.errors import InvalidRequest
from router.cli.mistakes import one_line
from router.errors import RouterError, StreamInterrupted

MODEL_HINT = "name a model with --model NAME, or as in --provider SERVICE=URL#MODEL"


def sentence(error: RouterError) -> str:
    """Return the message of `error` for the user."""
    if isinstance(error, StreamInterrupted):
        cause = error.__cause__
        return (
            f"the reply of {error.provider} broke off after {len(error.partial)} characters "
            f"({error.verdict}; {type(cause).__name__}: {one_line(str(cause))})"
        )
    return str(error)


def lacks_model(error: RouterError) -> bool:
    """Whether a service refused the request because of its model."""
    refusals = (attempt.error for attempt in error.attempts)
    return any(isinstance(each, InvalidRequest) and "model" in str(each).lower() for each in refusals)
