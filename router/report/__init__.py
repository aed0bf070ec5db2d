"""The report of the providers' health, in the forms in which people and programs read it."""

from router.report.json import as_json
from router.report.table import as_table, as_text, summary

__all__ = ["as_json", "as_table", "as_text", "summary"]
