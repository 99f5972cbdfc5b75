"""What stands between the network and the pages, over a real socket."""

from __future__ import annotations

import logging
import socket
from urllib.parse import urlsplit

import pytest
from tests.web.conftest import Served
from tests.web.visitor import FORM, OWN_PAGE, MovingClock, Visitor
from tests.web.world import C2

from backchannel.web import pages
from backchannel.web.auth import LINK_MINUTES, SESSION_HOURS
from backchannel.web.guard import MAX_FORM_BYTES, Address

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
PAGES = [
    "/",
    "/hits",
    "/hub",
    "/batches",
    "/channels",
    "/parties",
    "/ledger",
    "/inbox.json",
    "/hits.json",
    "/hub.json",
    "/batches.json",
    "/channels.json",
    "/parties.json",
    "/ledger.json",
]


# --- Coming in -------------------------------------------------------------------------------------------


def test_the_link_signs_in_once_and_then_no_more(served: Served):
    link = served.logins.new_link()
    first = served.visitor()
    answer = first.ask(f"/login?link={link}")
    assert (answer.status, answer.headers["Location"]) == (303, "/")
    assert first.ask("/").status == 200
    second = served.visitor()
    answer = second.ask(f"/login?link={link}")
    assert answer.status == 403
    assert "does not work any more" in answer.text
    assert "Set-Cookie" not in answer.headers
    assert second.ask("/").status == 303


@pytest.mark.parametrize("secret", ["", "wrong", "A" * 43, "%00", "%C3%A9" * 20])
def test_a_wrong_link_signs_nobody_in(served: Served, secret: str):
    visitor = served.visitor()
    assert visitor.ask(f"/login?link={secret}").status == 403
    assert visitor.cookies == {}


def test_an_expired_link_signs_nobody_in(served: Served, clock: MovingClock):
    link = served.logins.new_link()
    clock.wind(minutes=LINK_MINUTES)
    assert served.visitor().ask(f"/login?link={link}").status == 403


def test_the_cookie_is_kept_from_scripts_and_from_other_sites(served: Served):
    cookie = served.visitor().ask(f"/login?link={served.logins.new_link()}").headers["Set-Cookie"]
    name, *attributes = cookie.split("; ")
    assert name.startswith(f"backchannel_{urlsplit(served.url).port}=")
    assert {"HttpOnly", "SameSite=Strict", "Path=/", f"Max-Age={SESSION_HOURS * 3600}"} == set(attributes)


def test_over_tls_the_cookie_never_travels_in_the_clear():
    address = Address("https://intel.alpha.example")
    assert address.cookie_header("s").startswith("__Host-backchannel=s; Path=/;")
    assert "Secure" in address.cookie_header("s").split("; ")
    assert "Secure" not in Address("http://127.0.0.1:8017").cookie_header("s")


@pytest.mark.parametrize("path", [*PAGES, f"/item/{C2}", "/no/such/page", "/batches/1"])
def test_nothing_is_shown_without_a_session(served: Served, path: str):
    stranger = served.visitor()
    answer = stranger.ask(path)
    if path.endswith(".json"):
        assert answer.status == 401
        assert answer.document["schema"] == "backchannel.problem/1"
    else:
        assert answer.status == 303
        assert answer.headers["Location"].startswith("/login")
        assert b"CERT Alpha" not in answer.body
    made_up = Visitor(served.url, {f"backchannel_{urlsplit(served.url).port}": "x" * 43})
    assert made_up.ask(path).status == answer.status


def test_a_session_ends_after_one_shift(served: Served, visitor: Visitor, clock: MovingClock):
    assert visitor.ask("/").status == 200
    clock.wind(hours=SESSION_HOURS)
    assert visitor.ask("/").status == 303


def test_cookies_of_other_programs_on_this_machine_do_not_hide_ours(visitor: Visitor):
    own = "; ".join(f"{name}={text}" for name, text in visitor.cookies.items())
    for others in ('a={"b": [1]}; ', "=; ;;; ", "x=\u00e9; "):
        assert visitor.ask("/", headers={"Cookie": others + own}).status == 200


def test_signing_out_ends_the_session_on_the_server_too(visitor: Visitor):
    kept = dict(visitor.cookies)
    assert visitor.post("/logout").status == 303
    visitor.cookies = kept
    assert visitor.ask("/").status == 303


def test_a_preview_of_the_link_does_not_use_it_up(served: Served):
    link = served.logins.new_link()
    visitor = served.visitor()
    assert visitor.ask(f"/login?link={link}", method="HEAD").status == 204
    assert visitor.ask(f"/login?link={link}", headers={"Sec-Purpose": "prefetch"}).status == 204
    assert visitor.ask(f"/login?link={link}").status == 303


def test_a_link_followed_from_another_site_leads_to_a_page_that_can_go_on(served: Served):
    visitor = served.visitor()
    answer = visitor.ask(f"/login?link={served.logins.new_link()}", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status == 200
    assert 'href="/"' in answer.text
    assert visitor.ask("/").status == 200


def test_a_new_link_is_said_in_the_terminal_and_nowhere_else(served: Served, clock: MovingClock):
    stranger = served.visitor()
    answer = stranger.post("/login/link")
    assert answer.status == 200
    (link,) = served.said
    secret = link.partition("link=")[2]
    assert secret not in answer.text
    assert stranger.post("/login/link").status == 429, "not twice at once"
    assert served.visitor().ask(link.removeprefix(served.url)).status == 303


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/%0d%0ax", "x"],
)
def test_the_login_page_leads_nowhere_else(served: Served, target: str):
    text = served.visitor().ask(f"/login?next={target}").text
    assert "evil" not in text
    assert "javascript:" not in text
    assert 'href="/"' in text


def test_after_signing_in_the_page_that_was_asked_for_is_one_step_away(served: Served):
    stranger = served.visitor()
    location = stranger.ask(f"/item/{C2}?a=b").headers["Location"]
    assert f'href="/item/{C2}?a=b"' in stranger.ask(location).text


# --- Forged requests -------------------------------------------------------------------------------------

POSTS = [
    "/logout",
    "/login/link",
    f"/item/{C2}/ack",
    f"/item/{C2}/sight",
    f"/item/{C2}/dispute",
    "/batches/1/undo",
]


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "same-site"},  # another port of the same machine
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
        {"Accept": "*/*"},  # nothing that says where it comes from
    ],
    ids=lambda headers: "+".join(headers.values()),
)
def test_a_form_on_another_page_changes_nothing(
    visitor: Visitor, served: Served, path: str, headers: dict[str, str]
):
    answer = visitor.post(path, {"text": "x"}, **headers)
    assert answer.status == 403
    assert "did not come from one of these pages" in answer.text
    assert served.said == []
    assert visitor.ask("/").status == 200, "still signed in"


def test_an_old_browser_proves_itself_by_its_origin(served: Served, visitor: Visitor):
    assert visitor.post("/logout", Origin=served.url).status == 303


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_pages_that_only_show_take_no_other_method(visitor: Visitor, method: str):
    answer = visitor.ask("/hits", method=method, headers=OWN_PAGE)
    assert answer.status == 405
    assert "Traceback" not in answer.text


# --- The name of the server ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8017",
        "127.0.0.1.evil.example",
        "",
        "localhost.evil.example:80",
        "[::2]:80",
    ],
)
def test_another_name_that_leads_here_gets_nothing(served: Served, visitor: Visitor, host: str):
    answer = visitor.ask("/", headers={"Host": host})
    assert answer.status in {400, 421}
    assert b"CERT Alpha" not in answer.body


@pytest.mark.parametrize(
    "host", ["localhost:{port}", "127.0.0.1:{port}", "LOCALHOST:9000", "[::1]:{port}", "127.0.0.1"]
)
def test_every_loopback_name_is_ours_also_through_a_tunnel(served: Served, host: str):
    answer = served.visitor().ask("/login", headers={"Host": host.format(port=urlsplit(served.url).port)})
    assert answer.status == 200


def test_two_host_headers_are_refused(served: Served):
    split = urlsplit(served.url)
    with socket.create_connection((split.hostname, split.port), timeout=20) as raw:
        raw.sendall(
            b"GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
        )
        assert raw.recv(64).split()[1] in {b"421", b"400"}


def test_a_public_address_is_ours_where_it_was_named():
    address = Address("https://intel.alpha.example")
    assert address.answers_to("intel.alpha.example")
    assert not address.answers_to("alpha.example")
    assert address.is_own_origin("https://intel.alpha.example", "127.0.0.1:8017")
    assert not address.is_own_origin("http://intel.alpha.example", "intel.alpha.example")


# --- Every answer ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", [*PAGES, "/login", "/nope", "/nope.json", "/static/icons.svg", "/favicon.ico"]
)
@pytest.mark.parametrize("signed_in", [True, False])
def test_every_answer_carries_the_headers_that_protect_it(served: Served, path: str, signed_in: bool):
    answer = (served.signed_in() if signed_in else served.visitor()).ask(path)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value, name
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert set(policy.values()) == {"'self'", "'none'"}, "nothing looser than our own files"
    assert "Server" not in answer.headers
    lasting = answer.headers["Cache-Control"]
    assert lasting == "no-store" or path.startswith(("/static/", "/favicon")), lasting


def test_files_that_never_change_are_kept_by_the_browser(visitor: Visitor):
    text = visitor.ask("/").text
    for name in ("backchannel.css", "backchannel.js", "favicon.svg", "icons.svg"):
        at = text.index(f"/static/{name}?v=")
        url = text[at : text.index("#" if name == "icons.svg" else '"', at)]
        answer = visitor.ask(url)
        assert answer.status == 200
        assert "immutable" in answer.headers["Cache-Control"]
        again = visitor.ask(url, headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status, again.body) == (304, b"")
        assert "immutable" not in visitor.ask(f"/static/{name}?v=old").headers["Cache-Control"]


@pytest.mark.parametrize("name", ["../app.py", "..%2fapp.py", "nope.css", "%2e%2e/app.py"])
def test_only_the_files_of_the_folder_are_given(visitor: Visitor, name: str):
    assert visitor.ask(f"/static/{name}").status == 404


def test_the_favicon_is_there(served: Served):
    answer = served.visitor().ask("/favicon.ico")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/svg+xml")


@pytest.mark.parametrize("path", ["/nope", "/item", "/batches/x", "/batches/1/undo/more", "/%00", "/inbox/"])
def test_an_unknown_address_is_a_plain_page(visitor: Visitor, path: str):
    answer = visitor.ask(path)
    assert answer.status in {404, 405}
    assert "To the inbox" in answer.text


def test_an_unknown_json_address_answers_in_json(visitor: Visitor):
    answer = visitor.ask("/nope.json")
    assert (answer.status, answer.headers["Content-Type"]) == (404, "application/json")
    assert answer.document == {
        "schema": "backchannel.problem/1",
        "status": 404,
        "what": "There is no such page.",
        "hint": "Start again from the inbox.",
    }


def test_a_bug_of_ours_is_a_plain_page_without_its_trace(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the secret is heron")

    monkeypatch.setattr(pages.desk_parties, "list_parties", broken)
    with caplog.at_level(logging.ERROR, logger="backchannel.web.guard"):
        answer = visitor.ask("/parties")
    assert answer.status == 500
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Traceback" not in answer.text
    assert "heron" not in answer.text
    assert [record.message for record in caplog.records] == ["web.bug"]


# --- Size ------------------------------------------------------------------------------------------------


def test_a_body_that_says_it_is_too_large_is_not_read(visitor: Visitor):
    answer = visitor.ask(
        f"/item/{C2}/ack",
        method="POST",
        headers={**OWN_PAGE, "Content-Type": FORM, "Content-Length": str(MAX_FORM_BYTES + 1)},
    )
    assert answer.status == 413


def test_a_body_of_unstated_length_is_cut_off_once_it_is_too_large(served: Served, visitor: Visitor):
    split = urlsplit(served.url)
    cookie = "; ".join(f"{name}={text}" for name, text in visitor.cookies.items())
    head = (
        f"POST /item/{C2}/ack HTTP/1.1\r\nHost: {split.netloc}\r\nCookie: {cookie}\r\nSec-Fetch-Site: same-origin\r\n"
        f"Content-Type: {FORM}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection((split.hostname, split.port), timeout=20) as raw:
        raw.sendall(head.encode())
        chunk = b"4000\r\n" + b"a" * 0x4000 + b"\r\n"
        for _ in range(MAX_FORM_BYTES // 0x4000 + 1):
            raw.sendall(chunk)
        raw.sendall(b"0\r\n\r\n")
        assert raw.recv(64).split()[1] == b"413"


def test_an_address_longer_than_any_of_ours_is_refused(visitor: Visitor):
    assert visitor.ask("/hits?q=" + "a" * 5_000).status == 414


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("multipart/form-data; boundary=x", b"--x\r\n\r\n--x--"),
        ("application/json", b"{}"),
        (FORM, b"&".join(b"a=1" for _ in range(50))),
        (FORM, "text=é".encode()),
        (FORM, b"text=%ff"),
    ],
)
def test_only_forms_like_ours_are_read(visitor: Visitor, media_type: str, body: bytes):
    answer = visitor.ask(
        f"/item/{C2}/ack", method="POST", headers={**OWN_PAGE, "Content-Type": media_type}, body=body
    )
    assert answer.status == 400
    assert "form" in answer.text
