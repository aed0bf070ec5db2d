"""A router that is dropped with open connections says so, and one that was closed or has none does not."""

from __future__ import annotations

import gc
import sys
import warnings

import pytest

from adapters import OpenAICompatible
from adapters.scripted import ScriptedAdapter
from adapters.simulators.openai import OpenAISimulator
from router import Router
from tests.router.recording import HELLO

pytestmark = pytest.mark.anyio


async def test_a_router_that_is_forgotten_with_open_connections_warns():
    async with OpenAISimulator() as service:
        adapter = OpenAICompatible(f"{service.url}/v1", model="small")
        router, line = Router([adapter], observers=[]), sys._getframe().f_lineno
        await router.complete(HELLO)
        chain = [router]
        del router
        with pytest.warns(ResourceWarning) as told:
            chain.clear()
        gc.collect()
        await adapter.aclose()

    warned = [each for each in told if "Router" in str(each.message)]
    said = [str(each.message) for each in warned]
    assert [(__file__, line)] == [(each.filename, each.lineno) for each in warned], "where it was made"
    assert isinstance(warned[0].source, Router)
    assert said[0].startswith("<Router openai: 0 opening, 0 streams> was dropped without being closed")
    assert "open connections: 1; use `async with Router(…) as router:`, or call aclose()" in said[0]


async def test_no_warning_without_connections_or_after_closing():
    async with OpenAISimulator() as service:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            async with Router([OpenAICompatible(f"{service.url}/v1", model="small")], observers=[]) as router:
                await router.complete(HELLO)
            other = Router([ScriptedAdapter("one", "text")], observers=[])
            await other.complete(HELLO)
            del router, other
            gc.collect()


async def test_a_forgotten_router_of_a_file_names_the_line_that_loaded_it(tmp_path):
    async with OpenAISimulator() as service:
        file = tmp_path / "router.toml"
        file.write_text(f'[[provider]]\nadapter = "openai"\nbase_url = "{service.url}/v1"\nmodel = "small"\n')
        router, line = Router.from_config(file, observers=[]), sys._getframe().f_lineno
        await router.complete(HELLO)
        adapter = router.adapters[0]
        chain = [router]
        del router
        with pytest.warns(ResourceWarning) as told:
            chain.clear()
        gc.collect()
        await adapter.aclose()

    assert (__file__, line) in [(each.filename, each.lineno) for each in told]
