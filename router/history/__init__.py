"""The history of the providers' health: stored in SQLite, read as uptime, changes, outages and trends.

    History        keeps each report and each probe of a router: Router(..., history=History("health.db"))
    HistoryFile    the file itself: add, read, retention
    uptime, changes, trends, outages, strip
                   what the rows say; pure functions

A row says how a provider was, and why that was believed; it holds no address, prompt, body or secret.
"""

from router.history.changes import Change, changes
from router.history.errors import HistoryError
from router.history.file import HistoryFile
from router.history.outages import Outage, outages
from router.history.recorder import History
from router.history.samples import ProbeSample, Sample, by_provider, samples_of
from router.history.spans import Span, spans, strip
from router.history.trends import Trend, trends
from router.history.uptime import Day, uptime

__all__ = [
    "Change",
    "Day",
    "History",
    "HistoryError",
    "HistoryFile",
    "Outage",
    "ProbeSample",
    "Sample",
    "Span",
    "Trend",
    "by_provider",
    "changes",
    "outages",
    "samples_of",
    "spans",
    "strip",
    "trends",
    "uptime",
]
