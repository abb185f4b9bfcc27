"""What a listener's browser downloads before the picture: the page, its styles and all modules that it may import, compressed.

The budget is `weight.json`, in kB (1000 bytes) as nginx sends it to a browser, Brotli's; a change that needs more raises it, in the same commit.
"""

import json
import re
from pathlib import Path
from urllib.parse import urljoin

import brotli
import pytest
from django.contrib.staticfiles import finders

from amphi import pages
from amphi.webinars.models import State
from tests.factories import make_gateway, make_user, make_webinar, put

pytestmark = pytest.mark.django_db
BUDGET = json.loads(Path(__file__).with_name("weight.json").read_text(encoding="utf-8"))
STATIC = "/static/"
PAGES = Path(pages.__file__).parent
LINK = re.compile(r"""<(?:link|script|img)\b[^>]*?(?:href|src)="(/static/[^"]+)""")
IMPORT = re.compile(
    r"""(?:\bimport|\bfrom)\s*\(?\s*["'](\.{1,2}/[^"']+)["']|new URL\("(\.{1,2}/[^"]+)", import\.meta"""
)
STYLE_URL = re.compile(r"""url\(["']?(?!data:|#)([^"')]+)""")


def weigh(content: bytes) -> int:
    """The size in bytes as it is sent."""
    return len(brotli.compress(content))


def contents(address: str) -> bytes:
    found = finders.find(address.removeprefix(STATIC))
    assert found, address
    return Path(found).read_bytes()


def reached(page: str) -> dict[str, int]:
    """Each file that `page` leads to, and its weight."""
    waiting = set(LINK.findall(page))
    weights: dict[str, int] = {}
    while waiting:
        address = waiting.pop()
        content = contents(address)
        weights[address] = weigh(content)
        if address.endswith((".js", ".mjs")):
            names = [one or other for one, other in IMPORT.findall(content.decode())]
        elif address.endswith(".css"):
            names = STYLE_URL.findall(content.decode())
        else:
            names = []
        waiting |= {urljoin(address, name) for name in names} - set(weights)
    return weights


@pytest.fixture
def live_page(client, settings) -> str:
    settings.USE_MEETING_WEBINAR = True
    livestream = make_webinar(gateway=make_gateway(), enable_chat=True)
    put(livestream, State.LIVE)
    client.force_login(make_user())
    return client.get(livestream.event.get_absolute_url()).content.decode()


def test_the_live_page_is_light(live_page):
    weights = reached(live_page) | {"the page": weigh(live_page.encode())}
    heaviest = sorted(weights.items(), key=lambda one: -one[1])
    total_kb = sum(weights.values()) / 1000
    assert total_kb <= BUDGET["live page"], f"{total_kb:.1f} kB: {heaviest[:12]}"
    # A budget that is far above what is needed guards nothing.
    assert total_kb >= 0.9 * BUDGET["live page"], total_kb


def test_all_of_the_page_is_weighed(live_page):
    weights = reached(live_page)
    assert any("hls" in name for name in weights)
    assert any("player-controls" in name for name in weights)
    assert any(name.endswith("bootstrap.min.css") for name in weights)


def test_the_player_has_each_control_that_a_page_names():
    named = {
        name
        for template in (PAGES / "templates/live").glob("*player.html")
        for name in re.findall(r"<(media-[a-z-]+)", template.read_text(encoding="utf-8"))
    }
    imports = (PAGES / "player_controls/index.js").read_text(encoding="utf-8")
    assert named == set(re.findall(r"dist/(media-[a-z-]+)\.js", imports))
