"""A browser that hangs as a whole, not only its page, may do so for ever."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from amphi.gateway import source
from amphi.gateway.exceptions import SourceLostError


class Hung:
    """A browser that answers nothing."""

    def on(self, *_: Any) -> None: ...

    async def new_page(self) -> None:
        await asyncio.Event().wait()


async def test_browser_that_opens_no_page_is_not_used_again(monkeypatch):
    monkeypatch.setattr(source, "LAUNCH_PATIENCE_S", 0.01)
    studio: Any = SimpleNamespace(camera=SimpleNamespace(), sound=SimpleNamespace())
    browser: Any = Hung()
    config: Any = None
    hung = source.ChromiumSource(browser, studio, pid=None, config=config)
    with pytest.raises(SourceLostError, match="the browser hangs"):
        await hung.join("http://bbb.example.org/join")
    assert not hung.is_alive
