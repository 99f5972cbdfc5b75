"""Rules of the templates, the style sheet and the icons, held without a server."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2 import Environment

from backchannel.web import words
from backchannel.web.assets import Assets

WEB = Path(words.__file__).parent
TEMPLATES = sorted((WEB / "templates").glob("*.html"))
CSS = (WEB / "static" / "backchannel.css").read_text("utf-8")
OURS = {"Backchannel", "STIX", "Id", "JSON"}
"""Names that no language translates."""


def literal_text(source: str) -> str:
    """Return what a template prints by itself, outside tags and expressions."""
    tokens = Environment(autoescape=True).lex(source)
    text = "".join(value if kind == "data" else " " for _, kind, value in tokens)
    text = re.sub(
        r"<code class=\"command\">.*?</code>", " ", text, flags=re.DOTALL
    )  # commands are typed as they are
    return re.sub(r"<[^>]*>", " ", re.sub(r"<!doctype[^>]*>", " ", text))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_sentence_can_be_translated(path: Path):
    said = re.findall(r"[A-Za-z]{2,}", re.sub(r"<[^>]*$|^[^<]*>", " ", literal_text(path.read_text("utf-8"))))
    assert [word for word in said if word not in OURS] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_page_has_script_or_style_of_its_own_or_from_elsewhere(path: Path):
    source = path.read_text("utf-8")
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=|javascript:", source, re.IGNORECASE)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", source))
    assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", source)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_escaping_is_never_switched_off(path: Path):
    assert not re.search(r"\|\s*safe\b|autoescape|Markup", path.read_text("utf-8"))


def test_the_tlp_pill_is_drawn_in_one_place():
    drawn = [path.name for path in TEMPLATES if re.search(r"class=\"tlp", path.read_text("utf-8"))]
    assert drawn == ["pieces.html"]


def test_no_table_is_without_words_for_its_columns_on_a_phone():
    for path in TEMPLATES:
        for cell in re.findall(r"<td[^>]*>", path.read_text("utf-8")):
            assert "data-label" in cell or 'class="lead' in cell or 'class="wide"' in cell, (path.name, cell)


def symbols() -> set[str]:
    return set(re.findall(r'<symbol id="([a-z-]+)"', (WEB / "static" / "icons.svg").read_text("utf-8")))


def test_every_icon_that_is_used_is_drawn():
    drawn = symbols()
    used = {
        name for path in TEMPLATES for name in re.findall(r"icon\('([a-z-]+)'\)", path.read_text("utf-8"))
    } | {"block", "look", "tell", "nothing", "ask", "inbox", "hits", "batches", "channels", "parties"}
    assert used <= drawn
    types = re.findall(
        r"[a-z0-9-]+",
        "attack-pattern campaign course-of-action grouping identity incident indicator infrastructure intrusion-set "
        "location malware malware-analysis note observed-data opinion report threat-actor tool vulnerability "
        "relationship sighting marking-definition language-content extension-definition artifact autonomous-system "
        "directory domain-name email-addr email-message file ipv4-addr ipv6-addr mac-addr mutex network-traffic "
        "process software url user-account windows-registry-key x509-certificate x-unknown",
    )
    assert {words.icon_of(name) for name in types} <= drawn


def test_pictures_hold_nothing_but_shapes():
    for path in (WEB / "static").glob("*.svg"):
        text = path.read_text("utf-8")
        assert not re.search(r"<(?:script|style|image|foreignObject|a|use)\b|href|\son\w+=|style=", text), (
            path.name
        )


# --- Colours ---------------------------------------------------------------------------------------------


def palette(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))


LIGHT = palette(CSS.partition("@media")[0])
DARK = LIGHT | palette(CSS.partition("@media (prefers-color-scheme: dark)")[2].partition("/* --- Ground")[0])


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def mixed(colour: str, share: float, ground: str) -> str:
    """`colour` at `share` over `ground`."""
    return "#" + "".join(
        f"{round(int(colour[at : at + 2], 16) * share + int(ground[at : at + 2], 16) * (1 - share)):02x}"
        for at in (1, 3, 5)
    )


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_text_has_contrast_enough_to_be_read(colours: dict[str, str]):
    """WCAG 2.2 §1.4.3 (AA): 4.5 to 1."""
    pairs = [
        (ink, ground) for ink in ("ink", "ink-soft", "accent") for ground in ("ground", "surface", "sunken")
    ]
    pairs += [("accent-ink", "accent"), ("accent", "accent-wash"), ("ink", "accent-wash")]
    for do in ("block", "look", "tell", "nothing", "ask"):
        pairs += [(do, f"{do}-wash"), (do, "surface"), ("ink", f"{do}-wash"), ("ink-soft", f"{do}-wash")]
    low = {pair: ratio for pair in pairs if (ratio := contrast(colours[pair[0]], colours[pair[1]])) < 4.5}
    assert low == {}


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_pictures_and_borders_of_fields_stand_out(colours: dict[str, str]):
    """WCAG 2.2 §1.4.11 (AA): 3 to 1."""
    for family in ("adversary", "weakness", "detection", "answer", "observable", "plumbing"):
        tile = mixed(colours[family], 0.11, colours["surface"])
        assert contrast(colours[family], tile) >= 3, family


def test_tlp_labels_have_the_colours_that_first_gives_them():
    """FIRST TLP 2.0: on black, so that each is legible."""
    expected = {"red": "#ff2b2b", "amber": "#ffc000", "green": "#33ff00", "clear": "#ffffff"}
    for level, colour in expected.items():
        assert re.search(rf"\.tlp-{level} {{\s*color: {colour};", CSS), level
        assert contrast(colour, "#000000") >= 4.5
    assert re.search(r"\.tlp {[^}]*background: #000000;", CSS)


def test_an_asset_has_another_address_when_its_content_changes(tmp_path: Path):
    for body in (b"a{}", b"b{}"):
        (tmp_path / "x.css").write_bytes(body)
        assert re.fullmatch(r"/static/x\.css\?v=[0-9a-f]{16}", Assets(tmp_path).url("x.css"))
    first = Assets(tmp_path).url("x.css")
    (tmp_path / "x.css").write_bytes(b"c{}")
    assert Assets(tmp_path).url("x.css") != first
