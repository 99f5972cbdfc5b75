"""What clients in use need from a server, beside or before the standard's letter. One rule, one test or more."""

from __future__ import annotations

import gzip
import re
import threading
from collections.abc import Callable

import pytest
from tests.channels.taxii.server.asking import TAXII, Asking
from tests.channels.taxii.server.conftest import serving
from tests.channels.taxii.server.place import OBJECTS, OPEN_OBJECTS, OTHER, ROOT, SHARED, Place
from tests.desk.made import an_id, indicator
from tests.web.visitor import MovingClock

from backchannel import codec
from backchannel.store.exchange import Right

OTHER_OBJECTS = f"{ROOT}collections/{OTHER}/objects/"
MANIFEST = f"{ROOT}collections/{SHARED}/manifest/"


def ids(numbers: range) -> list[str]:
    return [an_id("indicator", n) for n in numbers]


# --- 1: `next` says everything itself ------------------------------------------------------------------


def test_a_cursor_needs_no_quoting_and_carries_its_filter_and_limit(filled: Asking):
    document = filled.ask(
        f"{OBJECTS}?limit=2&match[type]=indicator&added_after=2026-01-01T00:00:00Z"
    ).document
    following = document["next"]
    assert re.fullmatch(r"[A-Za-z0-9_-]+", following)
    alone = filled.ask(f"{OBJECTS}?next={following}").document
    assert [one["id"] for one in alone["objects"]] == ids(range(3, 5)), "the type and the limit still hold"
    for more in (
        "limit=2",
        "match[type]=indicator",
        "limit=2&match[type]=indicator&added_after=2026-01-01T00:00:00Z",
    ):
        assert filled.ask(f"{OBJECTS}?next={following}&{more}").document == alone


def test_a_cursor_and_parameters_given_beside_it_both_apply(filled: Asking):
    following = filled.ask(f"{OBJECTS}?limit=1&match[type]=indicator,malware").document["next"]
    both = filled.ask(f"{OBJECTS}?limit=100&next={following}&match[type]=malware,identity").document
    assert {one["type"] for one in both["objects"]} == {"malware"}
    nothing = filled.ask(f"{OBJECTS}?limit=100&next={following}&match[type]=tool")
    assert (nothing.status, nothing.document) == (200, {"more": False})
    later = filled.ask(f"{OBJECTS}?next={following}&added_after=2030-01-01T00:00:00Z").document
    assert later == {"more": False}


def test_a_cursor_may_be_used_again_and_by_another_process(filled: Asking, place: Place):
    following = filled.ask(f"{OBJECTS}?limit=3").document["next"]
    page = filled.ask(f"{OBJECTS}?next={following}").body
    assert filled.ask(f"{OBJECTS}?next={following}").body == page
    with serving(place) as url:
        assert Asking(url, filled.authorization).ask(f"{OBJECTS}?next={following}").body == page


def test_a_cursor_finds_what_was_added_after_it_was_given(filled: Asking):
    document = filled.ask(f"{OBJECTS}?limit=7").document
    filled.post(OBJECTS, indicator(50))
    rest = filled.ids(f"{OBJECTS}?next={document['next']}&limit=100")
    assert rest[-1] == an_id("indicator", 50)


# --- 2: a cursor of another collection -----------------------------------------------------------------


def test_a_cursor_of_another_collection_begins_that_listing_anew(filled: Asking):
    filled.post(OTHER_OBJECTS, *[indicator(n) for n in range(60, 64)])
    stale = filled.ask(f"{OBJECTS}?limit=7").document["next"]
    assert filled.ids(f"{OTHER_OBJECTS}?next={stale}") == ids(range(60, 64))
    assert filled.ids(f"{OTHER_OBJECTS}?next={stale}&limit=1") == ids(range(60, 61))
    answer = filled.ask(f"{OBJECTS}{an_id('indicator', 1)}/?next={stale}")
    assert answer.status == 200
    assert len(answer.document["objects"]) == 1


def test_a_cursor_that_is_none_is_refused(filled: Asking):
    for text in ("1", "abc", "AAAAAAAAAAAAAAAAAAAAAAAAAA", "null", "%00", "1;DROP"):
        assert filled.ask(f"{OBJECTS}?next={text}").status == 400


# --- 3: `more` and `next` together ---------------------------------------------------------------------


@pytest.mark.parametrize("path", [OBJECTS, MANIFEST])
def test_more_and_next_come_together_with_something_on_the_page(filled: Asking, path: str):
    for limit in range(1, 10):
        for query in ("", "&match[type]=malware", "&match[version]=all", "&match[type]=tool"):
            document = filled.ask(f"{path}?limit={limit}{query}").document
            assert document["more"] is ("next" in document)
            assert not document["more"] or (document["next"] and document["objects"])


def test_versions_have_a_next_too(filled: Asking):
    path = f"{OBJECTS}{an_id('indicator', 1)}/versions/?limit=2"
    document = filled.ask(path).document
    assert len(document["versions"]) == 2
    rest = filled.ask(f"{path}&next={document['next']}").document
    assert rest == {"more": False, "versions": ["2026-01-03T00:00:00.000Z"]}


# --- 4: an empty `next` --------------------------------------------------------------------------------


def test_an_empty_next_counts_as_absent(filled: Asking):
    assert filled.ask(f"{OBJECTS}?limit=50&next=").body == filled.ask(f"{OBJECTS}?limit=50").body


# --- 5: the headers on every page ----------------------------------------------------------------------


@pytest.mark.parametrize("rest", ["objects/", "manifest/", f"objects/{an_id('indicator', 1)}/", f"objects/{an_id('indicator', 1)}/versions/"])  # fmt: skip
def test_an_empty_page_says_what_its_reader_said(filled: Asking, rest: str):
    answer = filled.ask(f"{ROOT}collections/{SHARED}/{rest}?added_after=2027-03-04T05:06:07.5Z")
    assert answer.document == {"more": False}
    assert answer.headers["X-TAXII-Date-Added-Last"] == "2027-03-04T05:06:07.500000Z"


def test_an_empty_collection_sends_nobody_past_what_is_to_come(vessland: Asking):
    last = vessland.ask(OBJECTS).headers["X-TAXII-Date-Added-Last"]
    vessland.post(OBJECTS, indicator(1))
    assert vessland.ids(f"{OBJECTS}?added_after={last}") == ids(range(1, 2))


# --- 6: stamps -----------------------------------------------------------------------------------------


def test_stamps_are_distinct_and_rise_and_a_batch_ends_on_a_millisecond(vessland: Asking, clock: MovingClock):
    ends = []
    for batch in range(4):
        vessland.post(OBJECTS, *[indicator(10 * batch + n) for n in range(7)])
        ends.append(vessland.ask(f"{OBJECTS}?limit=1000").headers["X-TAXII-Date-Added-Last"])
        clock.wind(microseconds=1)
    stamps = [one["date_added"] for one in vessland.ask(MANIFEST).document["objects"]]
    assert len(stamps) == 28
    assert sorted(set(stamps)) == stamps
    assert all(end.endswith("000Z") for end in ends)


def test_a_poller_that_keeps_milliseconds_only_reads_everything_once(vessland: Asking):
    got: list[str] = []
    after = "1970-01-01T00:00:00.000Z"
    for batch in range(5):
        vessland.post(OBJECTS, *[indicator(10 * batch + n) for n in range(batch + 1)])
        answer = vessland.ask(f"{OBJECTS}?added_after={after}")
        got += [one["id"] for one in answer.document["objects"]]
        after = answer.headers["X-TAXII-Date-Added-Last"][:-4] + "Z"
    assert len(got) == 15
    assert len(set(got)) == 15


def test_a_greedy_poller_misses_nothing_while_several_write(vessland: Asking, place: Place, url: str):
    posted = 40

    def write(which: int, secret: str) -> None:
        writer = Asking(url, f"Bearer {secret}")
        for n in range(posted // 2):
            assert writer.post(OBJECTS, indicator(1000 * which + n)).status == 202

    writers = [
        threading.Thread(target=write, args=(which, secret))
        for which, secret in enumerate((place.vessland, place.sorrel), 1)
    ]
    for writer in writers:
        writer.start()
    got: list[str] = []
    after, still = "1970-01-01T00:00:00Z", True
    while still or len(got) < posted:
        still = any(writer.is_alive() for writer in writers)
        answer = vessland.ask(f"{OBJECTS}?limit=3&added_after={after}")
        new = [one["id"] for one in answer.document.get("objects", [])]
        if not still and not new:
            break
        got += new
        after = answer.headers["X-TAXII-Date-Added-Last"]
    for writer in writers:
        writer.join(20)
    assert len(got) == len(set(got)) == posted


# --- 7, 8: the shape of an envelope --------------------------------------------------------------------


def test_an_empty_page_has_no_list_and_has_one_for_who_needs_it(vessland: Asking, place: Place, url: str):
    needs = Asking(url, f"Bearer {place.empty}")
    for path in (OBJECTS, MANIFEST):
        assert vessland.ask(path).body == b'{"more":false}'
        assert needs.ask(path).body == b'{"more":false,"objects":[]}'


def test_an_envelope_has_no_other_property(filled: Asking):
    for query in ("", "?limit=1", "?added_after=2030-01-01T00:00:00Z"):
        assert set(filled.ask(f"{OBJECTS}{query}").document) <= {"objects", "more", "next"}


# --- 9, 10: media types and what is posted -------------------------------------------------------------


@pytest.mark.parametrize(
    "content_type",
    [
        "application/stix+json; version=2.1",
        "application/stix+json;version=2.1",
        "application/vnd.oasis.stix+json; version=2.0",
        "application/json",
        "application/taxii+json; version=2.1",
        "application/taxii+json",
    ],
)
def test_a_bundle_is_taken_as_an_envelope_is_in_every_type_in_use(vessland: Asking, content_type: str):
    bundle = {
        "type": "bundle",
        "id": an_id("bundle", 1),
        "spec_version": "2.1",
        "objects": [indicator(1), indicator(2)],
    }
    for number, value in enumerate((bundle, {"objects": [indicator(3)]})):
        answer = vessland.ask(
            OBJECTS,
            method="POST",
            body=codec.encode(value),
            headers={"Content-Type": content_type, "Accept": "application/taxii+json; version=2.1"},
        )
        assert (answer.status, answer.document["success_count"]) == (202, 2 - number)
    assert vessland.ids(OBJECTS) == ids(range(1, 4))


@pytest.mark.parametrize(
    "accept",
    ["application/taxii+json; version=2.1", "application/taxii+json", "*/*", None, "application/taxii+json;version=2.1;q=0.9, */*;q=0.1"],
)  # fmt: skip
def test_every_accept_in_use_gets_the_one_media_type(filled: Asking, accept: str | None):
    answer = filled.ask(OBJECTS, headers={"Accept": accept})
    assert answer.status == 200
    assert answer.headers["Content-Type"] == TAXII


def test_a_body_in_chunks_is_taken(vessland: Asking):
    body = codec.encode({"objects": [indicator(1)]})
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:10], body[10:])) + b"0\r\n\r\n"
    answer = vessland.ask(OBJECTS, method="POST", body=chunks, headers={"Transfer-Encoding": "chunked"})
    assert (answer.status, answer.document["success_count"]) == (202, 1)


# --- 11: credentials -----------------------------------------------------------------------------------


def test_every_way_to_say_who_one_is(url: str, place: Place, basic: Callable[[str, str], str]):
    ways: list[dict[str, str | None]] = [
        {"Authorization": f"Bearer {place.vessland}"},
        {"Authorization": f"bearer {place.vessland}"},
        {"Authorization": f"Token {place.vessland}"},
        {"Authorization": basic("CERT Vessland", place.vessland)},
        {"Authorization": basic("cert vessland", place.vessland)},
        {"Authorization": basic("CERT Vessland", place.vessland).replace("Basic", "basic")},
        {"X-API-Key": place.vessland},
    ]
    for headers in ways:
        assert Asking(url, None).ask(OBJECTS, headers=headers).status == 200, headers


def test_anybody_reads_where_the_operator_lets_them(vessland: Asking, stranger: Asking):
    vessland.post(OPEN_OBJECTS, indicator(1))
    assert stranger.ids(f"{OPEN_OBJECTS}?match[type]=indicator&limit=5000") == ids(range(1, 2))
    assert Asking(stranger.url, "Bearer wrong").ask(OPEN_OBJECTS).status == 401, "a wrong credential is said"


def test_a_credential_ends_when_it_expires_or_is_taken_back(url: str, place: Place, clock: MovingClock):
    short = Asking(url, f"Bearer {place.expires}")
    assert short.ask(OBJECTS).status == 200
    clock.wind(minutes=59, seconds=59)
    assert short.ask(OBJECTS).status == 200
    clock.wind(seconds=1)
    assert short.ask(OBJECTS).status == 401
    row = place.give("t" * 43, "CERT Vessland", {SHARED: Right(True, False)})
    other = Asking(url, f"Bearer {'t' * 43}")
    assert other.ask(OBJECTS).status == 200
    place.take_back(row)
    assert other.ask(OBJECTS).status == 401


# --- 12, 13, 14: addresses -----------------------------------------------------------------------------


def test_discovery_names_absolute_addresses_by_which_it_was_reached(vessland: Asking, url: str, place: Place):
    port = url.rpartition(":")[2]
    for host in (f"localhost:{port}", f"127.0.0.1:{port}", "192.0.2.7", f"[::1]:{port}"):
        document = vessland.ask("/taxii2/", headers={"Host": host}).document
        assert document["default"] == f"http://{host}{ROOT}"
    with serving(place, public_url="https://intel.alpha.example") as other:
        document = Asking(other, vessland.authorization).ask("/taxii2/").document
        assert document["default"] == f"https://intel.alpha.example{ROOT}"
        assert document["api_roots"] == [document["default"], "https://intel.alpha.example/taxii2/open/"]


def test_the_last_part_of_each_root_is_its_own_and_titles_tell_collections_apart(vessland: Asking):
    roots = vessland.ask("/taxii2/").document["api_roots"]
    names = [root.rstrip("/").rpartition("/")[2] for root in roots]
    assert sorted(set(names)) == sorted(names)
    titles = [one["title"] for one in vessland.ask(f"{ROOT}collections/").document["collections"]]
    assert sorted(set(titles)) == sorted(titles)


def test_an_alias_may_be_written_to_and_the_answer_has_the_real_id(vessland: Asking):
    assert vessland.post(OBJECTS.replace(SHARED, "shared"), indicator(1)).status == 202
    assert vessland.ids(OBJECTS) == ids(range(1, 2))
    assert vessland.ask(f"{ROOT}collections/shared").document["id"] == SHARED
    following = vessland.post(OBJECTS, indicator(2)) and vessland.ask(f"{OBJECTS}?limit=1").document["next"]
    assert vessland.ids(f"{OBJECTS.replace(SHARED, 'shared')}?next={following}") == ids(range(2, 3))


def test_a_missing_last_slash_is_served_and_never_redirected(filled: Asking):
    for path in (
        "/taxii2",
        ROOT[:-1],
        f"{ROOT}collections",
        OBJECTS[:-1],
        MANIFEST[:-1],
        f"{OBJECTS}{an_id('malware', 1)}",
    ):
        answer = filled.ask(path)
        assert answer.status == 200
        assert answer.body == filled.ask(f"{path}/").body
    assert filled.post(OBJECTS[:-1], indicator(70)).status == 202


# --- 15: what comes without marking or source ----------------------------------------------------------


def test_what_comes_unmarked_has_the_collection_s_marking_and_its_sender_as_source(
    vessland: Asking, place: Place, url: str
):
    bare = indicator(1)
    assert "created_by_ref" not in bare
    vessland.post(OBJECTS, bare)
    sorrel = Asking(url, f"Bearer {place.sorrel}")
    (got,) = sorrel.ask(OBJECTS).document["objects"]
    assert got == bare, "the marking is kept outside of the object"
    red = indicator(2, object_marking_refs=["marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"])
    vessland.post(OBJECTS, red)
    assert sorrel.ids(OBJECTS) == ids(range(1, 2)), "TLP:RED goes to nobody else"
    assert vessland.ids(OBJECTS) == ids(range(1, 3)), "and back to its source"


# --- Pages ---------------------------------------------------------------------------------------------


def test_a_page_that_hides_objects_stays_full_and_tells_no_number(vessland: Asking, place: Place, url: str):
    red = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
    vessland.post(
        OBJECTS, *[indicator(n, **({"object_marking_refs": [red]} if n % 3 else {})) for n in range(30)]
    )
    sorrel = Asking(url, f"Bearer {place.sorrel}")
    seen, following = [], ""
    while True:
        document = sorrel.ask(f"{OBJECTS}?limit=4{following}").document
        seen.append([one["id"] for one in document["objects"]])
        if not document["more"]:
            break
        following = f"&next={document['next']}"
    assert [len(page) for page in seen] == [4, 4, 2]
    assert [one for page in seen for one in page] == ids(range(0, 30, 3))
    assert len(vessland.ids(OBJECTS)) == 30


def test_a_page_is_packed_for_who_takes_it(vessland: Asking):
    vessland.post(OBJECTS, *[indicator(n) for n in range(100)])
    plain = vessland.ask(OBJECTS)
    packed = vessland.ask(OBJECTS, headers={"Accept-Encoding": "gzip, deflate"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["Content-Type"] == TAXII
    assert len(packed.body) * 4 < len(plain.body)
    assert gzip.decompress(packed.body) == plain.body
    assert "Accept-Encoding" in packed.headers["Vary"]
    small = vessland.ask("/taxii2/", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in small.headers, "not worth it"


def test_a_get_without_limit_is_capped(vessland: Asking):
    for start in (0, 700):
        vessland.post(OBJECTS, *[indicator(n) for n in range(start, start + 700)])
    for query in ("", "?limit=5000"):
        document = vessland.ask(f"{OBJECTS}{query}").document
        assert len(document["objects"]) == 1000
        assert document["more"] is True


def test_pages_are_kept_by_nobody_on_the_way(filled: Asking):
    assert filled.ask(OBJECTS).headers["Cache-Control"] == "no-store"
