"""The router without `async`: a blocking facade over an event loop in a thread of its own."""

from router.sync.monitor import SyncMonitor
from router.sync.router import SyncRouter
from router.sync.stream import SyncReplyStream

__all__ = ["SyncMonitor", "SyncReplyStream", "SyncRouter"]
