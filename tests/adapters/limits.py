"""The limits that tests of codecs give where they test something else: those of `Limits`."""

from typing import Final

from adapters import Limits
from adapters.wire.reply_limits import Meter

LINE: Final = Limits().line
REPLY: Final = Limits().reply
EMPTY: Final = Limits().empty


def meter() -> Meter:
    return Meter(REPLY, EMPTY)
