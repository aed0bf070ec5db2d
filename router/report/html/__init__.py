"""A health report as one HTML file: for a browser, a phone, a mail; it loads nothing and runs no script."""

from router.report.html.page import as_html

__all__ = ["as_html"]
