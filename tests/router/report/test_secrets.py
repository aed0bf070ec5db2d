"""No form of a report holds a key, a cookie, an address or a prompt, whatever the services write back."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import pytest
from rich.console import Console

from adapters import ChatRouterError, H2o, OpenAICompatible, OpenAssistant
from adapters.simulators.server import Exchange, Simulator
from router import Router, Timeouts
from router.history import samples_of
from router.report import (
    Waterfall,
    as_html,
    as_json,
    as_junit,
    as_markdown,
    as_prometheus,
    as_table,
    as_text,
    summary,
)
from tests.depth import sampled

if TYPE_CHECKING:
    from adapters.contract import Adapter
    from router.health.report import HealthReport
    from router.report import RequestShown

pytestmark = pytest.mark.anyio

SECRETS: Final = {
    "key": "sk-canary-of-the-key-4711",
    "cookie": "canary.of.the.cookie-4712",
    "header": "canary/of+the=header-4713",
    "session": "canary-of-the-session-4714",
}
PROMPT: Final = "canary of the prompt 4715"
PLACE: Final = "canary-of-the-address-4716"
SYSTEM: Final = "canary of the system message 4717"


class Parrot(Simulator):
    """Writes all that it was sent into its error: headers, address and body."""

    service = "parrot"
    status = 401

    async def answer(self, exchange: Exchange) -> None:
        received = exchange.received
        heard = f"{received.target} {dict(received.headers)} {received.body.decode()}"
        error = {"message": heard, "code": heard[:200], "type": "x"}
        await exchange.respond(self.status, {"error": error, "message": heard, "detail": heard})


def chain(url: str) -> list[Adapter]:
    cookies, headers = {"sid": SECRETS["cookie"]}, {"X-Token": SECRETS["header"]}
    address = f"{url}/{PLACE}"
    return [
        OpenAICompatible(
            f"{address}/v1", api_key=SECRETS["key"], cookies=cookies, headers=headers, model="m"
        ),
        H2o(address, cookies=cookies, headers=headers),
        OpenAssistant(address, session_token=SECRETS["session"], headers=headers),
    ]


def forms(report: HealthReport, requests: tuple[RequestShown, ...]) -> dict[str, str]:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    history = [row for n in range(3) for row in samples_of(report.as_dict(), now.timestamp() - n * 60)]
    return {
        "table": as_text(report, 1000),
        "rich": shown(report, details=False),
        "json": as_json(report, at=now),
        "junit": as_junit(report, at=now),
        "markdown": as_markdown(report, at=now),
        "html": as_html(report, at=now, history=history, requests=requests),
        "prometheus": as_prometheus(report),
        "summary": summary(report),
    }


def shown(report: HealthReport, *, details: bool) -> str:
    console = Console(width=2000, file=io.StringIO(), record=True)
    console.print(as_table(report, details=details))
    return console.export_text()


ASKED = [
    (level, status) for level in ("reach", "answer") for status in (200, 400, 401, 403, 404, 429, 500, 503)
]


@pytest.mark.parametrize(
    ("level", "status"), sampled(ASKED, 0.4, "what a service quotes", lambda pair: pair[0])
)
async def test_no_form_repeats_what_a_service_quotes(status, level):
    waterfall = Waterfall()
    async with Parrot() as parrot:
        parrot.status = status
        limits = Timeouts(total=2, probe=1, probe_answer=1)
        async with Router(chain(parrot.url), timeouts=limits, observers=[waterfall]) as router:
            with pytest.raises(ChatRouterError):
                await router.complete(
                    [{"role": "system", "content": SYSTEM}, {"role": "user", "content": PROMPT}]
                )
            reports = [router.health(), await router.check(level)]
        assert parrot.requests

    for report in reports:
        for form, text in forms(report, waterfall.requests).items():
            for what, secret in {**SECRETS, "prompt": PROMPT, "system": SYSTEM, "address": PLACE}.items():
                assert secret not in text, (form, what)
            assert "canary" not in text, form
        for what, secret in SECRETS.items():
            assert secret not in shown(report, details=True), what
