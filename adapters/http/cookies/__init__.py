"""Sessions that a browser has: in an exported file, in Firefox's own store, or in one that is driven."""

from adapters.http.cookies.firefox import BrowserCookies
from adapters.http.cookies.renewal import CookieRenewal
from adapters.http.cookies.source import CookieSource, SiteCookies, site_cookies
from adapters.http.cookies.webdriver import BrowserSession, WebDriver

__all__ = [
    "BrowserCookies",
    "BrowserSession",
    "CookieRenewal",
    "CookieSource",
    "SiteCookies",
    "WebDriver",
    "site_cookies",
]

BrowserCookies.__module__ = "adapters"
