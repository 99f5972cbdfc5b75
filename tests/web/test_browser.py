"""Every page in a real browser, wide and narrow, light and dark: nothing in the console, nothing out of the
frame, nothing fetched from elsewhere, and every control reachable and named."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from tests.web.asked import ask_both_ways
from tests.web.channels import fetch
from tests.web.conftest import Served, Stage
from tests.web.exchanged import GIVEN, OURS, TOLD, exchange, over_taxii
from tests.web.meeting import meet
from tests.web.signed import sign
from tests.web.visitor import MovingClock
from tests.web.world import BIDI, C2, HOSTILE, OBJECTS, REPORT, many

from backchannel.clock import Clock
from backchannel.desk.answering import acknowledge
from backchannel.desk.box import Box
from backchannel.desk.credentials import NewCredential, add_token
from backchannel.desk.entering import append_entered
from backchannel.desk.node import open_node
from backchannel.desk.publishing import NewOffer, add_collection, add_root, put_batch
from backchannel.ids import BatchId
from backchannel.web.app import create_app

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.tool("chromium")

PAGES = {
    "inbox": "/",
    "inbox-none": "/?concerns=yes",
    "item-indicator": f"/item/{C2}",
    "item-hostile": f"/item/{HOSTILE}",
    "item-report": f"/item/{REPORT}",
    "item-given": f"/item/{GIVEN['id']}",
    "item-told": f"/item/{TOLD['id']}",
    "item-bidi": f"/item/{BIDI}",
    "hits": "/hits",
    "hits-by-indicator": "/hits?by=indicator",
    "hub": "/hub",
    "batches": "/batches",
    "batch": "/batches/1",
    "drops": "/drops",
    "requests": "/requests",
    "item-ours": f"/item/{OURS['id']}",
    "party-other": "/parties/CERT%20Nordhav",
    "channels": "/channels",
    "channel": "/channels/beta",
    "channel-failing": "/channels/gone",
    "channel-new": "/channels/new",
    "parties": "/parties",
    "party-us": "/parties/CERT%20Alpha",
    "party-known": "/parties/CERT%20Beta",
    "party-named-only": "/parties/Northpier%20Telecom",
    "taxii": "/taxii",
    "ledger": "/ledger",
    "login": "/login",
}
VIEWS = [
    pytest.param(1280, "light"),
    pytest.param(1280, "dark"),
    pytest.param(390, "light"),
    pytest.param(390, "dark"),
    pytest.param(930, "light"),  # just wide enough for the rail beside the tables
    pytest.param(320, "light"),  # WCAG 2.2 §1.4.10: what 1280 shows at four times the size
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as running:
        chromium = running.chromium.launch(
            executable_path=CHROMIUM,
            # As root, as in a container, Chromium has no sandbox of its own; it opens our pages only.
            args=["--no-sandbox"] if os.geteuid() == 0 else [],
        )
        yield chromium
        chromium.close()


class Watched:
    """A tab that writes down whatever went wrong."""

    def __init__(self, context: BrowserContext) -> None:
        self.page: Page = context.new_page()
        self.wrong: list[str] = []
        self.page.on("console", lambda message: self.wrong.append(f"console {message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.wrong.append(f"script: {error}"))
        self.page.on("request", lambda request: self._watch(request.url))
        self.page.on("requestfailed", lambda request: self._failed(request.url, request.failure or ""))

    def _failed(self, url: str, why: str) -> None:
        if why != "net::ERR_ABORTED":  # a page that was left while it still loaded
            self.wrong.append(f"failed: {url}: {why}")

    def _watch(self, url: str) -> None:
        if urlsplit(url).hostname != "127.0.0.1":
            self.wrong.append(f"left the machine: {url}")


def watched(browser: Browser, served: Served, *, width: int, scheme: str, **options: bool) -> Watched:
    context = browser.new_context(
        viewport={"width": width, "height": 844 if width < 600 else 900}, color_scheme=scheme, **options
    )
    context.set_default_timeout(20_000)
    tab = Watched(context)
    tab.page.goto(f"{served.url}/login?link={served.logins.new_link()}")
    return tab


@pytest.fixture
def lively(filled: None, bring: Callable[..., None], home: Path, clock: Clock, tmp_path: Path) -> None:
    """A node with conflicts, findings, refusals, an answer, and drops that came and went."""
    other = [{**value, "name": "Another <name>"} if value["id"] == C2 else value for value in OBJECTS]
    bring(
        [*other, *many(12), {"type": "indicator", "id": "no"}], party="Northpier Telecom", name="weekly.json"
    )
    with open_node(home) as node:
        acknowledge(node, clock, C2, text="We looked for it.")
        sign(node, clock, C2)
        add_root(node, clock, "sharing", base_url="")
        for new in (
            NewOffer(
                title="Indicators of the sharing group", root_id="sharing", alias="indicators", gather=True
            ),
            NewOffer(title="Public", root_id="sharing", default_tlp="clear", anonymous_read=True),
            NewOffer(
                title="Enterprise",
                root_id="sharing",
                collection_id="x-mitre-collection--1f5f1533-f617-4ca8-9ab4-6a02367fa019",
            ),
        ):
            add_collection(node, clock, new, base_url="")
        put_batch(node, clock, "indicators", BatchId(1))
        for given in (
            NewCredential(party="CERT Vessland", read=("indicators", "Public"), write=("indicators",)),
            NewCredential(party="Northpier Telecom", read=("indicators",), expires="30d"),
        ):
            add_token(node, clock, given)
        fetch(node, clock)
        exchange(node, clock, tmp_path / "other")
        over_taxii(node, clock, tmp_path / "other")
        ask_both_ways(node, clock, tmp_path / "other")
        append_entered(node, clock)
    meet(home, clock)


@pytest.mark.usefixtures("lively")
@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_every_page_is_whole(browser: Browser, served: Served, width: int, scheme: str, tmp_path: Path):
    tab = watched(browser, served, width=width, scheme=scheme)
    shots = Path(os.environ.get("BACKCHANNEL_TEST_SCREENSHOTS") or tmp_path)
    for name, path in PAGES.items():
        response = tab.page.goto(served.url + path)
        assert response is not None
        assert response.status == 200, name
        tab.page.wait_for_load_state("networkidle")
        tab.page.screenshot(path=str(shots / f"{name}-{width}-{scheme}.png"), full_page=True)
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} scrolls sideways"
        assert tab.page.evaluate(OUTSIDE) == [], f"{name}: cut off at the right edge"
        assert tab.page.evaluate(BROKEN) == [], f"{name}: a name breaks within a word"
        assert tab.page.evaluate(UNNAMED) == [], f"{name}: a control without a name"
        assert tab.page.locator("h1").count() == 1, name
        assert tab.page.locator("main").count() == 1, name
    assert tab.wrong == []
    tab.page.context.close()


OUTSIDE = """() => [...document.querySelectorAll('main *')]
  .filter((part) => part.getClientRects().length && !part.closest('.bytes, .unseen-but-read, thead, .share, svg'))
  .filter((part) => part.getBoundingClientRect().right > innerWidth + 1)
  .map((part) => part.outerHTML.slice(0, 120))"""

BROKEN = """() => [...document.querySelectorAll('td strong')].flatMap((part) => [...part.childNodes])
  .filter((part) => part.nodeType === Node.TEXT_NODE && /^\\S{1,20}$/.test(part.data.trim()))
  .filter((part) => { const all = document.createRange(); all.selectNode(part); return all.getClientRects().length > 1 })
  .map((part) => part.data)"""

UNNAMED = """() => [...document.querySelectorAll('a, button, input:not([type=hidden]), textarea, summary')]
  .filter((part) => part.getClientRects().length)
  .filter((part) => !(part.textContent.trim() || part.getAttribute('aria-label') || part.labels?.length))
  .map((part) => part.outerHTML.slice(0, 120))"""


@pytest.mark.usefixtures("lively")
@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_person_can_do_every_task(browser: Browser, served: Served, scripts: bool):
    tab = watched(browser, served, width=1280, scheme="light", java_script_enabled=scripts)
    page = tab.page
    page.goto(f"{served.url}/?type=indicator")
    page.get_by_role("link", name="updates[.]slack-tide[.]example").first.click()
    page.get_by_text("Dispute", exact=True).first.click()
    page.get_by_label("Why it is wrong").fill("<b>It is ours.</b>")
    page.get_by_role("button", name="Dispute").click()
    page.get_by_role("status").wait_for()
    page.get_by_text("<b>It is ours.</b>").first.wait_for()
    page.get_by_text("Decline", exact=True).first.click()
    page.get_by_role("combobox", name="Why", exact=True).select_option("no-capability")
    page.get_by_role("button", name="Decline").click()
    page.get_by_text("Declined. A receipt with the reason").wait_for()
    page.get_by_role("link", name="Drops").first.click()
    page.get_by_text(re.compile(r"\d statements wait to be told to")).wait_for()
    page.get_by_role("link", name="Batches").first.click()
    page.get_by_role("link", name="Undo").first.click()
    page.get_by_role("button", name="Undo batch").click()
    page.get_by_text("Undone", exact=True).first.wait_for()
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{served.url}/")
    page.get_by_role("heading", name="Open the link from the terminal").wait_for()
    assert tab.wrong == []
    page.context.close()


@pytest.mark.usefixtures("lively")
def test_the_keyboard_walks_through_the_inbox_and_focus_can_be_seen(browser: Browser, served: Served):
    tab = watched(browser, served, width=1280, scheme="light")
    page = tab.page
    page.goto(f"{served.url}/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the content"
    assert page.locator(".to-content").bounding_box()["y"] >= 0  # type: ignore[index]
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    first = page.locator(".items .says a").first
    assert first.evaluate("(link) => link === document.activeElement")
    assert first.evaluate("(link) => getComputedStyle(link, '::after').outlineStyle") == "solid"
    page.keyboard.press("o")
    page.wait_for_url(re.compile("/item/"))
    assert tab.wrong == []
    page.context.close()


@pytest.mark.usefixtures("lively")
def test_the_real_value_is_copied_by_the_button_only(browser: Browser, served: Served):
    tab = watched(browser, served, width=1280, scheme="light")
    page = tab.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=served.url)
    page.goto(f"{served.url}/item/{C2}")
    page.get_by_role("button", name="Copy the real value").first.click()
    page.get_by_text("Copied").first.wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == C2
    assert tab.wrong == []
    page.context.close()


@pytest.mark.usefixtures("lively")
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_axe_finds_nothing_that_keeps_somebody_out(browser: Browser, served: Served, width: int, scheme: str):
    """WCAG 2.2 A and AA, and axe-core's own best practice."""
    axe = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    source = (Path(axe.__file__).parent / "axe.min.js").read_text("utf-8")
    # axe writes style into the page while it looks, which our policy forbids
    tab = watched(browser, served, width=width, scheme=scheme, bypass_csp=True)
    found: list[str] = []
    for name, path in PAGES.items():
        tab.page.goto(served.url + path)
        tab.page.evaluate(source)
        found += [f"{name}: {line}" for line in tab.page.evaluate(AXE)]
    assert found == []
    tab.page.context.close()


AXE = """async () => (await axe.run({
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  })).violations.map((found) => `${found.id}: ${found.nodes[0].html.slice(0, 160)}`)"""


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_drop_is_left_by_the_form_without_scripts(
    browser: Browser,
    stage: tuple[Stage, str],
    home: Path,
    clock: MovingClock,
    tmp_path: Path,
    width: int,
    scheme: str,
):
    at, url = stage
    at.app = create_app(home, clock, base_url=url, box=Box(home))
    (tmp_path / "a.bcb").write_bytes(bytes(range(256)) * 1000)
    options = {
        "viewport": {"width": width, "height": 844},
        "color_scheme": scheme,
        "java_script_enabled": False,
    }
    tab = Watched(browser.new_context(**options))
    tab.page.goto(f"{url}/drop")
    assert "Leave a drop" in tab.page.inner_text("h1")
    tab.page.set_input_files("input[type=file]", tmp_path / "a.bcb")
    tab.page.click("button")
    ticket = tab.page.inner_text("code")
    assert (home / "dropbox" / f"{ticket}.left").read_bytes() == (tmp_path / "a.bcb").read_bytes()
    tab.page.click("main a.button")
    tab.page.fill("textarea", "a text\nof two lines")
    tab.page.click("button")
    ticket = tab.page.inner_text("code")
    assert (home / "dropbox" / f"{ticket}.left").read_bytes() == b"a text\r\nof two lines"
    assert tab.wrong == []
    tab.page.context.close()
