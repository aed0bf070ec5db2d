"""The report of the providers' health, in the forms in which people and programs read it.

    as_table, as_text    for terminals and logs
    as_json              for programs; `schema()` says what is in it
    as_junit             for CI systems
    as_markdown          for issues, comments and summaries on GitHub
    as_html              for browsers: one file, without a script
    as_prometheus        for monitoring

Each is a pure function. `Waterfall` is an observer that remembers the recent requests for `as_html`.
"""

from router.report.html import as_html
from router.report.json import as_json, schema
from router.report.junit import FailOn, as_junit
from router.report.markdown import as_markdown
from router.report.prometheus import as_prometheus
from router.report.table import as_table, as_text
from router.report.waterfall import RequestShown, Step, Waterfall
from router.report.words import summary

__all__ = [
    "FailOn",
    "RequestShown",
    "Step",
    "Waterfall",
    "as_html",
    "as_json",
    "as_junit",
    "as_markdown",
    "as_prometheus",
    "as_table",
    "as_text",
    "schema",
    "summary",
]
