"""What can be read of a reply while it comes, and after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adapters.contract import Switch, ToolCall, Usage
    from router.policy.prices import Cost
    from router.reply.commitment import Commitment
    from router.reply.transcript import Transcript


class Readout:
    """The properties of a reply that show what came of it so far."""

    _transcript: Transcript
    _commitment: Commitment

    @property
    def switches(self) -> tuple[Switch, ...]:
        """Where another provider took over, if the router was told to let it."""
        return self._transcript.switches

    @property
    def model(self) -> str | None:
        """The model that answers, where the provider names it."""
        return self._transcript.model

    @property
    def is_proved(self) -> bool:
        """Whether the reply is proved complete and no more will come, though its clean-up may still run."""
        return self._transcript.is_whole

    @property
    def finish_reason(self) -> str | None:
        """Why the provider stopped, once it said so."""
        return self._transcript.finish_reason

    @property
    def usage(self) -> Usage | None:
        """Token counts, once they came."""
        return self._transcript.usage

    @property
    def cost(self) -> Cost | None:
        """What the reply cost, once it has ended; None where that is not known."""
        return self._commitment.context.ledger.cost

    @property
    def final_text(self) -> str | None:
        """The provider's own final version of the text, where it differs from the text streamed."""
        return self._transcript.final_text

    @property
    def text_so_far(self) -> str:
        """The text that was read so far."""
        return self._transcript.text

    @property
    def reasoning(self) -> str:
        """The reasoning that was read so far."""
        return self._transcript.reasoning

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tool calls that were read so far; the arguments of the last one may be cut."""
        return self._transcript.tool_calls
