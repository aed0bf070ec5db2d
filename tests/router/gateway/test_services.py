"""Every service behind the gateway, over real sockets: its replies, and clients that leave."""

from __future__ import annotations

import anyio
import pytest

from router.gateway import app
from tests.chain.services import SERVICES, Service, leftovers
from tests.promptly import promptly
from tests.router.gateway.calling import asking, router_of

pytestmark = pytest.mark.anyio
services = pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)


@services
async def test_a_reply_whole_and_streamed(service: Service) -> None:
    async with service.running(text="Good day to you") as (_, adapter), router_of(adapter) as router:
        whole = await asking().put_to(app(router))
        streamed = await asking(stream=True).put_to(app(router))
    assert whole.document()["choices"][0]["message"]["content"] == "Good day to you"
    *chunks, done = streamed.events()
    text = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks if c["choices"])
    assert (text, done) == ("Good day to you", "[DONE]")
    assert streamed.is_ended
    assert streamed.headers["x-chat-router-provider"] == adapter.name


@services
async def test_nothing_is_left_of_a_request_whose_client_leaves(service: Service) -> None:
    async with (
        service.running(text="Good day to you", fault="stall_after") as (simulator, adapter),
        router_of(adapter) as router,
        anyio.create_task_group() as group,
    ):
        call = asking(stream=True)
        group.start_soon(call.put_to, app(router))
        with anyio.fail_after(20):
            while not call.bodies:  # noqa: ASYNC110 - no event tells of a write
                await anyio.sleep(0.005)
        with promptly(0.5), anyio.fail_after(20):
            call.gone.set()
            while simulator.running or leftovers(simulator):  # noqa: ASYNC110 - nor of this
                await anyio.sleep(0.005)
