"""What a caller gives a router, checked, with what to write instead of what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import anyio.lowlevel

from adapters.contract import ChatRequest, Conditions
from adapters.contract.tools import check_results
from router.policy.settings import setting_of
from router.policy.timeouts import Timeouts

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from adapters.contract import Message
    from adapters.contract.secret import Secret
    from router.reply.transcript import Reply

_BEFORE_ANY_ATTEMPT: Final = Conditions()
"""Stand in until an attempt has conditions of its own; nobody is asked under these."""


@dataclass(slots=True, repr=False, eq=False)
class Arguments:
    """What a caller gave `Router.stream()` or `Router.complete()`, as it was given; see there."""

    messages: Sequence[Message | Mapping[str, Any] | Reply]
    model: str | None
    providers: Sequence[str] | None
    timeouts: Timeouts | None
    extra: Mapping[str, Mapping[str, Any]] | None
    require: Collection[str]
    headers: Mapping[str, Mapping[str, str | Secret]] | None
    api_key: Mapping[str, str | Secret] | None
    models: Mapping[str, str] | None
    options: Mapping[str, Any]

    async def request(self) -> ChatRequest:
        """Return the request, built in steps: others run between them.

        Raises:
            TypeError: Something is of a wrong type, or an option is unknown.
            ValueError: Something cannot be sent.
        """
        if self.options:
            refuse_misplaced(self.options)
        steps = ChatRequest.build_in_steps(  # by place: names cost more
            self.messages,
            self.model,
            self.extra,
            _BEFORE_ANY_ATTEMPT,
            self.require,
            self.headers,
            self.api_key,
            self.models,
            **self.options,
        )
        while True:
            try:
                next(steps)
            except StopIteration as done:
                request: ChatRequest = done.value
                break
            await anyio.lowlevel.checkpoint()
        if "tool" in request.traits.roles:
            check_results([(message.role, message.extra) for message in request.messages])
        return request

    def clocks(self, usual: Timeouts) -> Timeouts:
        """Return the clocks of the request: its own, or the usual ones.

        Raises:
            TypeError: They are no `Timeouts`.
        """
        if self.timeouts is None:
            return usual
        return setting_of("timeouts", self.timeouts, Timeouts, total_of(self.timeouts)) or usual


def refuse_misplaced(options: Mapping[str, Any]) -> None:
    """Refuse what belongs elsewhere, with what to write instead.

    Raises:
        TypeError: One of the options is no option, but close to another argument.
    """
    if "stream" in options:
        raise TypeError(
            "there is no option 'stream': router.stream(…) streams, "
            "and router.complete(…) returns the whole reply"
        )
    if "timeout" in options:
        raise TypeError(
            "there is no option 'timeout': a request has several clocks; "
            f"write timeouts=Timeouts({total_of(options['timeout'])}) for the whole request"
        )


def total_of(value: object) -> str:
    """Return what to write for a limit of the whole request, after a number that was given for it."""
    return f"total={value!r}" if isinstance(value, int | float) else "total=60"
