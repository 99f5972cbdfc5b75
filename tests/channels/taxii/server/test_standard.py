"""What TAXII 2.1 says a server must and must not do. Each test names the section that it holds."""

from __future__ import annotations

import re
import uuid
from itertools import pairwise

import pytest
from tests.channels.taxii.server.asking import TAXII, Asking
from tests.channels.taxii.server.place import (
    HIDDEN,
    OBJECTS,
    OPEN,
    OPEN_OBJECTS,
    OTHER,
    READ,
    ROOT,
    SHARED,
    WRITE,
    Place,
)
from tests.desk.made import an_id, indicator, made, malware
from tests.web.visitor import Answer

from backchannel import codec
from backchannel.channels.bounds import MAX_BODY_BYTES

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
COLLECTION = f"{ROOT}collections/{SHARED}/"
MANIFEST = f"{COLLECTION}manifest/"
ENDPOINTS = [
    ("GET", "/taxii2/"),
    ("GET", ROOT),
    ("GET", f"{ROOT}status/{uuid.UUID(int=1, version=4)}/"),
    ("GET", f"{ROOT}collections/"),
    ("GET", COLLECTION),
    ("GET", MANIFEST),
    ("GET", OBJECTS),
    ("POST", OBJECTS),
    ("GET", f"{OBJECTS}{an_id('indicator', 1)}/"),
    ("DELETE", f"{OBJECTS}{an_id('indicator', 1)}/"),
    ("GET", f"{OBJECTS}{an_id('indicator', 1)}/versions/"),
]
PAGED = [
    MANIFEST,
    OBJECTS,
    f"{OBJECTS}{an_id('indicator', 1)}/",
    f"{OBJECTS}{an_id('indicator', 1)}/versions/",
]


def is_error(answer: Answer) -> bool:
    """Whether an answer is an error resource that agrees with its status (TAXII 2.1 §3.6.1)."""
    assert answer.headers["Content-Type"] == TAXII
    document = answer.document
    assert isinstance(document["title"], str)
    assert document["title"]
    assert document["http_status"] == str(answer.status)
    assert set(document) <= {"title", "description", "error_id", "http_status"}
    assert b"Traceback" not in answer.body
    return answer.status >= 400


def pages(asking: Asking, path: str, limit: int, more: str = "") -> list[list[dict[str, str]]]:
    """Every page, followed by `next` with the same parameters."""
    found: list[list[dict[str, str]]] = []
    following = ""
    while True:
        document = asking.ask(f"{path}?limit={limit}{more}{following}").document
        found.append(document.get("objects") or document.get("versions") or [])
        assert len(found) < 50
        if not document["more"]:
            assert "next" not in document
            return found
        assert found[-1], "more, and nothing on the page"
        following = f"&next={document['next']}"


# --- 1.6.9, 8: authentication --------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "Bearer wrong",
        "Basic d3Jvbmc6d3Jvbmc=",
        "Basic ???",
        "Negotiate x",
        "Token ",
        "Bearer " + "v" * 42,
    ],
)
def test_1_6_9_and_5_x_failed_authentication_is_401_with_challenges(
    url: str, method: str, path: str, authorization: str | None
):
    asking = Asking(url, authorization)
    answer = asking.post(path) if method == "POST" else asking.ask(path, method=method)
    if authorization is None and path == "/taxii2/":
        # Anybody sees the root in which anybody may read something.
        assert answer.document["api_roots"] == [f"{url}/taxii2/open/"]
        return
    assert answer.status == 401
    assert is_error(answer)
    challenges = answer.headers.get_all("WWW-Authenticate")
    assert [challenge.split(" ")[0] for challenge in challenges or []] == ["Basic", "Bearer"]


def test_1_6_9_what_a_client_may_not_see_is_left_out(vessland: Asking, place: Place, url: str):
    named = [one["id"] for one in vessland.ask(f"{ROOT}collections/").document["collections"]]
    assert named == [SHARED, OTHER, READ, WRITE]
    sorrel = Asking(url, f"Bearer {place.sorrel}").ask(f"{ROOT}collections/").document["collections"]
    assert [one["id"] for one in sorrel] == [SHARED, READ, HIDDEN]


def test_8_2_1_discovery_is_at_the_root_and_names_an_api_root(vessland: Asking):
    assert vessland.ask("/taxii2/").document["api_roots"]


def test_8_2_1_a_request_without_user_agent_is_served(vessland: Asking):
    assert vessland.ask("/taxii2/", headers={"User-Agent": None}).status == 200


def test_8_2_2_http_basic_is_served(url: str, place: Place, basic):
    assert Asking(url, basic("CERT Vessland", place.vessland)).ask(ROOT).status == 200
    assert Asking(url, basic("CERT Sorrel", place.vessland)).ask(ROOT).status == 401


# --- 2: data types -------------------------------------------------------------------------------------


def test_2_identifiers_are_uuids_of_version_4(filled: Asking):
    for one in filled.ask(f"{ROOT}collections/").document["collections"]:
        assert uuid.UUID(one["id"]).version == 4
    status = filled.post(OBJECTS, indicator(9)).document["id"]
    assert str(uuid.UUID(status)) == status
    assert uuid.UUID(status).version == 4


@pytest.mark.parametrize("path", [f"{ROOT}collections/", MANIFEST, OBJECTS, "/taxii2/"])
def test_2_no_list_is_empty(url: str, place: Place, path: str):
    asking = Asking(url, f"Bearer {place.nobody}")
    for one in (asking, Asking(url, f"Bearer {place.vessland}")):
        assert b"[]" not in one.ask(path).body


def test_2_no_list_of_a_status_is_empty(vessland: Asking):
    whole, none = vessland.post(OBJECTS, indicator(1)), vessland.post(OBJECTS)
    assert b"[]" not in whole.body + none.body
    assert set(whole.document) == {
        "id", "status", "request_timestamp", "total_count", "success_count", "successes", "failure_count", "pending_count",
    }  # fmt: skip


def test_2_timestamps_have_six_digits_and_z(filled: Asking):
    for one in filled.ask(f"{MANIFEST}?match[version]=all").document["objects"]:
        assert STAMP.fullmatch(one["date_added"])
    assert STAMP.fullmatch(filled.post(OBJECTS, indicator(1)).document["request_timestamp"])
    for path in PAGED:
        for name in ("X-TAXII-Date-Added-First", "X-TAXII-Date-Added-Last"):
            assert STAMP.fullmatch(filled.ask(path).headers[name])


# --- 3.1: endpoints, media types -----------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
def test_3_1_every_answer_is_of_the_media_type(filled: Asking, method: str, path: str):
    answer = filled.post(path, indicator(1)) if method == "POST" else filled.ask(path, method=method)
    assert answer.headers["Content-Type"] == TAXII
    assert answer.document is not None
    wrong = filled.ask(path, method="PATCH")
    assert wrong.status == 405
    assert is_error(wrong)
    allowed = wrong.headers["Allow"].split(", ")
    assert method in allowed


@pytest.mark.parametrize("path", [path for method, path in ENDPOINTS if method == "GET"])
@pytest.mark.parametrize("accept", ["application/taxii+json", TAXII, "application/taxii+json; version=2.1"])
def test_3_1_a_defined_accept_is_never_406_and_without_version_it_is_the_highest(
    filled: Asking, path: str, accept: str
):
    answer = filled.ask(path, headers={"Accept": accept})
    assert answer.status != 406
    assert answer.headers["Content-Type"] == TAXII


@pytest.mark.parametrize("path", [MANIFEST, OBJECTS])
def test_3_1_and_5_3_stix_may_be_asked_for_where_the_table_says_so(filled: Asking, path: str):
    both = "application/taxii+json;version=2.1,application/stix+json;version=2.1"
    for accept in (both, "application/stix+json;version=2.1"):
        assert filled.ask(path, headers={"Accept": accept}).status == 200


@pytest.mark.parametrize(
    "accept", ["application/json", "text/html", "application/taxii+json;version=2.0", "x"]
)
def test_3_1_other_accepts_are_406(filled: Asking, accept: str):
    for path in ("/taxii2/", OBJECTS):
        answer = filled.ask(path, headers={"Accept": accept})
        assert answer.status == 406
        assert is_error(answer)


@pytest.mark.parametrize("content_type", ["application/taxii+json;version=2.1", "application/taxii+json"])
def test_3_1_a_defined_content_type_is_never_415(vessland: Asking, content_type: str):
    assert vessland.post(OBJECTS, indicator(1), Content_Type=content_type).status == 202


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "application/taxii+json;version=2.0", None]
)
def test_3_1_and_5_5_other_content_types_are_415(vessland: Asking, content_type: str | None):
    answer = vessland.post(OBJECTS, indicator(1), Content_Type=content_type)
    assert answer.status == 415
    assert is_error(answer)


def test_3_1_head_is_a_get_without_its_body(filled: Asking):
    for path in ("/taxii2/", OBJECTS):
        answer = filled.ask(path, method="HEAD")
        assert (answer.status, answer.body) == (200, b"")
        assert answer.headers["Content-Length"] == filled.ask(path).headers["Content-Length"]


# --- 3.2, 3.3: headers and order -----------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGED)
def test_3_2_every_page_says_when_its_first_and_last_object_were_added(filled: Asking, path: str):
    answer = filled.ask(f"{path}?match[version]=all")
    identifiers = {
        (one["id"], one["version"]): one["date_added"]
        for one in filled.ask(f"{MANIFEST}?match[version]=all").document["objects"]
    }
    document = answer.document
    if "versions" in document:
        shown = [(an_id("indicator", 1), one) for one in document["versions"]]
    else:
        shown = [(one["id"], one.get("modified") or one["version"]) for one in document["objects"]]
    assert answer.headers["X-TAXII-Date-Added-First"] == identifiers[shown[0]]
    assert answer.headers["X-TAXII-Date-Added-Last"] == identifiers[shown[-1]]


@pytest.mark.parametrize("path", PAGED)
def test_3_2_a_page_without_objects_has_both_headers_too(filled: Asking, path: str):
    for query in ("added_after=2030-01-01T00:00:00Z", "match[spec_version]=9.9"):
        answer = filled.ask(f"{path}?{query}")
        assert answer.status == 200
        for name in ("X-TAXII-Date-Added-First", "X-TAXII-Date-Added-Last"):
            assert STAMP.fullmatch(answer.headers[name])


@pytest.mark.parametrize("path", [MANIFEST, OBJECTS])
def test_3_3_what_was_added_first_comes_first(filled: Asking, path: str):
    filled.post(OBJECTS, indicator(1, version=4), malware(9))
    order = [one["id"] for one in filled.ask(f"{path}?match[version]=all").document["objects"]]
    assert order[:3] == [an_id("indicator", 1)] * 3
    assert order[-2:] == [an_id("indicator", 1), an_id("malware", 9)]
    added = [one["date_added"] for one in filled.ask(f"{MANIFEST}?match[version]=all").document["objects"]]
    assert all(one < other for one, other in pairwise(added))


def test_3_3_collections_come_in_the_same_order_each_time(vessland: Asking):
    assert len({vessland.ask(f"{ROOT}collections/").body for _ in range(5)}) == 1


# --- 3.4: filters --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=-1",
        "limit=x",
        "limit=1.5",
        "limit=",
        "added_after=x",
        "added_after=2026-13-01T00:00:00Z",
        "next=!",
        "next=AAAA",
        "match[version]=x",
        "match[version]=all,last",
        "match[version]=first,first",
        "match[spec_version]=x",
        "limit=1&limit=2",
        "added_after=2026-01-01T00:00:00Z&added_after=2026-01-01T00:00:00Z",
    ],
)
@pytest.mark.parametrize("path", PAGED[:3])
def test_3_4_what_is_malformed_is_400(filled: Asking, path: str, query: str):
    answer = filled.ask(f"{path}?{query}")
    assert answer.status == 400
    assert is_error(answer)


@pytest.mark.parametrize(
    "query", ["match[type]=indicator&match[type]=malware", "match[id]=x", "match[type]=A%20B"]
)
def test_3_4_a_field_twice_or_malformed_is_400(filled: Asking, query: str):
    for path in (MANIFEST, OBJECTS):
        assert filled.ask(f"{path}?{query}").status == 400


def test_3_4_added_after_is_exclusive(filled: Asking):
    stamps = [one["date_added"] for one in filled.ask(f"{MANIFEST}?match[version]=all").document["objects"]]
    for number, stamp in enumerate(stamps):
        for path in (MANIFEST, OBJECTS):
            rest = filled.ids(f"{path}?match[version]=all&added_after={stamp}")
            assert len(rest) == len(stamps) - number - 1


@pytest.mark.parametrize("fraction", ["", ".0", ".000", ".000000", ".000000000"])
def test_3_4_added_after_is_read_with_any_number_of_digits(filled: Asking, fraction: str):
    for path in PAGED:
        assert filled.ask(f"{path}?added_after=2026-11-25T12:00:00{fraction}Z").document == {"more": False}
        assert filled.ask(f"{path}?added_after=2026-11-25T11:00:00{fraction}Z").document != {"more": False}


@pytest.mark.parametrize("limit", [1, 3, 8, 9, 1000])
@pytest.mark.parametrize("path", [MANIFEST, OBJECTS])
def test_3_4_limit_is_never_exceeded_and_all_that_fits_is_there(filled: Asking, path: str, limit: int):
    document = filled.ask(f"{path}?limit={limit}").document
    assert len(document["objects"]) == min(limit, 8)
    assert document["more"] is (limit < 8)


def test_3_4_values_are_alternatives_and_fields_are_conditions(filled: Asking):
    one, other = an_id("indicator", 2), an_id("malware", 1)
    for path in (MANIFEST, OBJECTS):
        assert filled.ids(f"{path}?match[id]={one},{other}") == [one, other]
        assert filled.ids(f"{path}?match[id]={one},{other}&match[type]=malware") == [other]
        assert filled.ids(f"{path}?match[id]={one}&match[type]=malware") == []
        assert len(filled.ids(f"{path}?match[type]=malware,identity")) == 3


def test_3_4_a_field_that_is_not_defined_is_passed_over(filled: Asking):
    assert len(filled.ids(f"{OBJECTS}?match[confidence]=80&colour=blue")) == 8


def test_3_4_without_added_after_the_oldest_come_first(filled: Asking):
    assert filled.ids(f"{OBJECTS}?limit=1&match[version]=all") == [an_id("indicator", 1)]


def test_3_4_1_spec_version_gives_no_other_and_by_default_the_latest(filled: Asking):
    old = {"type": "tool", "id": an_id("tool", 1), "created": "2026-01-01T00:00:00.000Z",
           "modified": "2026-01-01T00:00:00.000Z", "name": "T", "labels": ["vulnerability-scanning"]}  # fmt: skip
    new = made("tool", 1, version=2, name="T")
    verdict = filled.post(OBJECTS, old, new).document
    assert verdict["success_count"] == 2, verdict
    for path in (MANIFEST, OBJECTS):
        tool = f"{path}?match[type]=tool&match[version]=all"
        assert [one.get("version") or one["modified"] for one in filled.ask(tool).document["objects"]] == [
            "2026-01-02T00:00:00.000Z"
        ]
        assert len(filled.ids(f"{tool}&match[spec_version]=2.0")) == 1
        assert len(filled.ids(f"{tool}&match[spec_version]=2.1")) == 1
        assert len(filled.ids(f"{tool}&match[spec_version]=2.0,2.1")) == 2
        assert filled.ids(f"{tool}&match[spec_version]=1.2") == []


STIX_TYPES = [
    "artifact",
    "attack-pattern",
    "autonomous-system",
    "bundle",
    "campaign",
    "course-of-action",
    "directory",
    "domain-name",
    "email-addr",
    "email-message",
    "extension-definition",
    "file",
    "grouping",
    "identity",
    "incident",
    "indicator",
    "infrastructure",
    "intrusion-set",
    "ipv4-addr",
    "ipv6-addr",
    "language-content",
    "location",
    "mac-addr",
    "malware",
    "malware-analysis",
    "marking-definition",
    "mutex",
    "network-traffic",
    "note",
    "observed-data",
    "opinion",
    "process",
    "relationship",
    "report",
    "sighting",
    "software",
    "threat-actor",
    "tool",
    "url",
    "user-account",
    "vulnerability",
    "windows-registry-key",
    "x509-certificate",
    "x-acme-thing",
]


@pytest.mark.parametrize("path", [MANIFEST, OBJECTS])
def test_3_4_1_no_type_of_stix_is_an_error(filled: Asking, path: str):
    for one in STIX_TYPES:
        answer = filled.ask(f"{path}?match[type]={one}")
        assert answer.status == 200, one
        assert {object_["id"].split("--")[0] for object_ in answer.document.get("objects", [])} <= {one}


VERSIONS = {n: f"2026-01-{n:02}T00:00:00.000Z" for n in (1, 2, 3)}


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        (None, [3]),
        ("last", [3]),
        ("first", [1]),
        ("all", [1, 2, 3]),
        ("first,last", [1, 3]),
        (VERSIONS[2], [2]),
        (f"{VERSIONS[1]},{VERSIONS[2]}", [1, 2]),
        (f"first,{VERSIONS[2]},last", [1, 2, 3]),
        (f"last,{VERSIONS[3]}", [3]),
        ("2026-01-02T00:00:00Z", [2]),
        ("2020-01-01T00:00:00Z", []),
    ],
)
def test_3_4_1_version_names_versions(filled: Asking, asked: str | None, wanted: list[int]):
    query = "" if asked is None else f"match[version]={asked}"
    own = an_id("indicator", 1)
    for path in (f"{OBJECTS}?match[id]={own}&{query}", f"{OBJECTS}{own}/?{query}"):
        got = [one["modified"] for one in filled.ask(path).document.get("objects", [])]
        assert got == [VERSIONS[n] for n in wanted], path
    got = [
        one["version"]
        for one in filled.ask(f"{MANIFEST}?match[id]={own}&{query}").document.get("objects", [])
    ]
    assert got == [VERSIONS[n] for n in wanted]


def test_3_4_1_and_4_3_1_the_version_of_what_has_no_modified(vessland: Asking):
    marking = {"type": "marking-definition", "spec_version": "2.1", "id": an_id("marking-definition", 1),
               "created": "2026-01-05T00:00:00.000Z", "definition_type": "statement",
               "definition": {"statement": "Ours"}}  # fmt: skip
    address = {"type": "ipv4-addr", "spec_version": "2.1", "id": an_id("ipv4-addr", 1), "value": "192.0.2.1"}
    verdict = vessland.post(OBJECTS, marking, address).document
    assert verdict["success_count"] == 2, verdict
    said = {one["id"]: one["version"] for one in verdict["successes"]}
    shown = {one["id"]: one["version"] for one in vessland.ask(MANIFEST).document["objects"]}
    assert shown[marking["id"]] == said[marking["id"]] == "2026-01-05T00:00:00.000Z"
    assert shown[address["id"]] == said[address["id"]]
    by_version = f"{OBJECTS}?match[type]=marking-definition&match[version]=2026-01-05T00:00:00.000Z"
    assert vessland.ids(by_version) == [marking["id"]]


# --- 3.5: pages ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGED)
@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_3_5_pages_by_next_give_everything_once(filled: Asking, path: str, limit: int):
    more = "" if path.endswith("versions/") else "&match[version]=all"
    whole = pages(filled, path, 1000, more)
    assert [one for page in pages(filled, path, limit, more) for one in page] == whole[0]


@pytest.mark.parametrize("path", PAGED[:3])
@pytest.mark.parametrize("limit", [1, 2, 7])
def test_3_5_pages_by_added_after_give_everything_once(filled: Asking, path: str, limit: int):
    got: list[object] = []
    after = ""
    while True:
        answer = filled.ask(f"{path}?limit={limit}&match[version]=all{after}")
        got += answer.document.get("objects", [])
        assert len(got) < 50
        if not answer.document["more"]:
            break
        after = f"&added_after={answer.headers['X-TAXII-Date-Added-Last']}"
    assert got == filled.ask(f"{path}?match[version]=all").document["objects"]


def test_3_5_what_is_taken_out_between_pages_is_not_there(filled: Asking):
    document = filled.ask(f"{OBJECTS}?limit=7").document
    for one in (an_id("malware", 2), an_id("malware", 1)):
        assert filled.ask(f"{OBJECTS}{one}/", method="DELETE").status == 200
    assert filled.ask(f"{OBJECTS}?limit=7&next={document['next']}").document["more"] is False


# --- 3.6 to 3.8: errors, envelopes, names --------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/taxii2/nowhere/", "/taxii2//", "/taxii2/a/b/c/d/e/f/g/", f"{ROOT}channels/"]
)
def test_3_6_1_what_is_nowhere_is_an_error_resource(vessland: Asking, path: str):
    answer = vessland.ask(path)
    assert answer.status == 404
    assert is_error(answer)


def test_3_7_objects_stand_in_an_envelope_letter_for_letter(vessland: Asking):
    body = b'{ "type":"indicator" , "spec_version":"2.1","id":"' + an_id("indicator", 7).encode() + (
        b'","created":"2026-01-01T00:00:00.12Z","modified":"2026-01-01T00:00:00.120000Z","name":"\\u00e9\xc3\xa9","'
        b'pattern":"[url:value = \'http://a.example/\']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z","x_n":1.0}'
    )  # fmt: skip
    assert vessland.post(OBJECTS, body).document["success_count"] == 1
    assert vessland.ask(OBJECTS).body == b'{"more":false,"objects":[' + body + b"]}"


def test_3_7_and_5_4_an_envelope_without_objects_is_empty(vessland: Asking):
    assert vessland.ask(OBJECTS).document == {"more": False}
    assert vessland.ask(MANIFEST).document == {"more": False}


def test_3_8_resources_have_exactly_the_names_of_the_standard(filled: Asking):
    assert set(filled.ask("/taxii2/").document) == {"title", "default", "api_roots"}
    assert set(filled.ask(ROOT).document) == {"title", "description", "versions", "max_content_length"}
    required = {"id", "title", "can_read", "can_write", "media_types"}
    for one in filled.ask(f"{ROOT}collections/").document["collections"]:
        assert required <= set(one) <= required | {"alias", "description"}
    for one in filled.ask(MANIFEST).document["objects"]:
        assert set(one) == {"id", "date_added", "version", "media_type"}
    assert set(filled.ask(OBJECTS).document) == {"more", "objects"}
    assert set(filled.ask(f"{OBJECTS}{an_id('indicator', 1)}/versions/").document) == {"more", "versions"}


# --- 4: server information -----------------------------------------------------------------------------


def test_4_1_1_the_default_is_one_of_the_roots_and_roots_are_absolute(vessland: Asking, url: str):
    document = vessland.ask("/taxii2/").document
    assert document["default"] in document["api_roots"]
    assert document["api_roots"] == [f"{url}{ROOT}", f"{url}/taxii2/open/"]
    assert not any(
        "?" in one or "../" in one or "//" in one.partition("://")[2] for one in document["api_roots"]
    )


def test_4_2_each_root_has_its_own_address_and_another_one_is_404(vessland: Asking):
    assert vessland.ask(ROOT).document["title"] == "Exchange"
    assert vessland.ask("/taxii2/open/").document["title"] == "Open"
    for path in ("", "collections/", f"collections/{SHARED}/", f"collections/{SHARED}/objects/"):
        answer = vessland.ask(f"/taxii2/nowhere/{path}")
        assert answer.status == 404
        assert is_error(answer)


def test_4_2_1_a_root_says_its_versions_and_its_length(vessland: Asking):
    document = vessland.ask(ROOT).document
    assert document["versions"] == [TAXII]
    assert document["max_content_length"] == MAX_BODY_BYTES > 0


def test_4_2_1_and_5_5_a_body_up_to_the_length_is_taken_and_a_larger_one_is_413(vessland: Asking):
    filler = {"type": "bundle", "objects": [], "x_filler": ""}
    room = MAX_BODY_BYTES - len(codec.encode(filler))
    body = codec.encode(filler | {"x_filler": "x" * room})
    assert len(body) == MAX_BODY_BYTES
    assert vessland.ask(OBJECTS, method="POST", body=body).status != 413
    answer = vessland.ask(OBJECTS, method="POST", body=body + b" ")
    assert answer.status == 413
    assert is_error(answer)


def test_4_3_a_status_is_kept_and_what_is_not_there_is_404(vessland: Asking):
    posted = vessland.post(OBJECTS, indicator(1), {"type": "nonsense"})
    status = posted.document["id"]
    again = vessland.ask(f"{ROOT}status/{status}/")
    assert (again.status, again.document) == (200, posted.document)
    for other in (str(uuid.uuid4()), "nonsense", "%00"):
        assert vessland.ask(f"{ROOT}status/{other}/").status == 404
    assert vessland.ask(f"/taxii2/open/status/{status}/").status == 404


def test_4_3_a_status_is_its_sender_s_alone(vessland: Asking, place: Place, url: str):
    status = vessland.post(OBJECTS, indicator(1)).document["id"]
    assert Asking(url, f"Bearer {place.sorrel}").ask(f"{ROOT}status/{status}/").status == 404
    assert Asking(url, f"Token {place.empty}").ask(f"{ROOT}status/{status}/").status == 200


def test_4_3_1_a_status_says_what_became_of_each_object(vessland: Asking):
    document = vessland.post(
        OBJECTS, indicator(1), {"type": "indicator", "id": "nonsense"}, indicator(2)
    ).document
    assert document["status"] == "complete"
    assert [document[f"{name}_count"] for name in ("total", "success", "failure", "pending")] == [3, 2, 1, 0]
    assert document["successes"][0] == {"id": an_id("indicator", 1), "version": VERSIONS[1]}
    (failure,) = document["failures"]
    assert failure["message"]
    assert set(failure) == {"id", "version", "message"}
    assert "pendings" not in document


# --- 5: collections ------------------------------------------------------------------------------------


def test_5_1_1_without_collections_the_object_is_empty(url: str, place: Place):
    assert Asking(url, f"Bearer {place.nobody}").ask(f"{ROOT}collections/").document == {}


def test_5_2_1_an_alias_leads_to_the_collection_with_its_real_id(vessland: Asking):
    assert vessland.ask(f"{ROOT}collections/shared/").document == vessland.ask(COLLECTION).document
    assert vessland.ask(COLLECTION).document["id"] == SHARED
    assert vessland.ask(f"{ROOT}collections/shared/objects/").status == 200
    assert vessland.ask(f"/taxii2/open/collections/{SHARED}/").status == 404
    for nothing in ("hidden", HIDDEN, "nowhere", str(uuid.uuid4())):
        assert vessland.ask(f"{ROOT}collections/{nothing}/").status == 404


def test_5_2_1_a_collection_says_what_its_reader_may_do(vessland: Asking):
    rights = {
        one["id"]: (one["can_read"], one["can_write"])
        for one in vessland.ask(f"{ROOT}collections/").document["collections"]
    }
    assert rights == {SHARED: (True, True), OTHER: (True, True), READ: (True, False), WRITE: (False, True)}
    for one, right in rights.items():
        document = vessland.ask(f"{ROOT}collections/{one}/").document
        assert (document["can_read"], document["can_write"]) == right
    assert vessland.ask(f"{ROOT}collections/{HIDDEN}/").status == 404, "neither: it is not there"


@pytest.mark.parametrize("rest", ["manifest/", "objects/", f"objects/{an_id('indicator', 1)}/", f"objects/{an_id('indicator', 1)}/versions/"])  # fmt: skip
def test_5_3_to_5_8_what_may_not_be_read_is_403_or_404(vessland: Asking, rest: str):
    forbidden = vessland.ask(f"{ROOT}collections/{WRITE}/{rest}")
    assert forbidden.status == 403
    assert is_error(forbidden)
    hidden = vessland.ask(f"{ROOT}collections/{HIDDEN}/{rest}")
    nowhere = vessland.ask(f"{ROOT}collections/{uuid.uuid4()}/{rest}")
    assert (hidden.status, hidden.body) == (404, nowhere.body), "nothing tells that it exists"


def test_5_3_a_filter_looks_at_the_object_and_not_at_its_record(filled: Asking):
    assert len(filled.ids(f"{MANIFEST}?match[type]=malware")) == 2


def test_5_3_1_a_record_names_a_media_type_of_the_collection(filled: Asking):
    known = filled.ask(COLLECTION).document["media_types"]
    assert {one["media_type"] for one in filled.ask(MANIFEST).document["objects"]} <= set(known)


def test_5_4_a_collection_that_anybody_may_read_is_read_without_credentials(
    vessland: Asking, stranger: Asking
):
    clear = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
    assert vessland.post(OPEN_OBJECTS, indicator(1, object_marking_refs=[clear])).status == 202
    assert stranger.ids(OPEN_OBJECTS) == [an_id("indicator", 1)]
    assert stranger.ask(f"/taxii2/open/collections/{OPEN}/").document["can_write"] is False
    assert stranger.ids(f"{OPEN_OBJECTS}{an_id('indicator', 1)}/") == [an_id("indicator", 1)]
    assert stranger.post(OPEN_OBJECTS, indicator(2)).status == 401
    assert stranger.ask(f"{OPEN_OBJECTS}{an_id('indicator', 1)}/", method="DELETE").status == 401


def test_5_5_what_may_not_be_written_is_403_or_404(vessland: Asking):
    forbidden = vessland.post(f"{ROOT}collections/{READ}/objects/", indicator(1))
    assert forbidden.status == 403
    assert is_error(forbidden)
    assert vessland.post(f"{ROOT}collections/{HIDDEN}/objects/", indicator(1)).status == 404


def test_5_5_an_exact_duplicate_is_no_error(filled: Asking):
    answer = filled.post(OBJECTS, indicator(2), indicator(2))
    assert answer.status == 202
    assert answer.document["failure_count"] == 0
    assert len(filled.ids(OBJECTS)) == 8


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b'{"objects":',
        b"[]",
        b"7",
        b'"x"',
        b"null",
        b'{"objects":{}}',
        b'{"objects":7}',
        b"\xff\xfe",
        b"\0",
    ],
)
def test_5_5_a_body_that_cannot_be_read_is_422_or_400(vessland: Asking, body: bytes):
    answer = vessland.ask(OBJECTS, method="POST", body=body)
    assert answer.status in {400, 422}
    assert is_error(answer)


def test_5_6_an_unknown_object_is_404_and_a_filter_that_takes_nothing_an_empty_envelope(filled: Asking):
    unknown = filled.ask(f"{OBJECTS}{an_id('indicator', 99)}/")
    assert unknown.status == 404
    assert is_error(unknown)
    assert filled.ask(f"{OBJECTS}{an_id('indicator', 99)}/versions/").status == 404
    empty = filled.ask(f"{OBJECTS}{an_id('indicator', 1)}/?match[version]=2001-01-01T00:00:00Z")
    assert (empty.status, empty.document) == (200, {"more": False})


def test_5_7_what_was_deleted_is_gone_for_every_endpoint(filled: Asking):
    own = an_id("indicator", 1)
    answer = filled.ask(f"{OBJECTS}{own}/", method="DELETE")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == TAXII
    assert filled.ask(f"{OBJECTS}{own}/").status == 404
    assert filled.ask(f"{OBJECTS}{own}/versions/").status == 404
    assert filled.ask(f"{OBJECTS}{own}/", method="DELETE").status == 404
    assert own not in filled.ids(OBJECTS) + filled.ids(f"{MANIFEST}?match[version]=all")


def test_5_7_one_version_may_be_deleted(filled: Asking):
    own = f"{OBJECTS}{an_id('indicator', 1)}/"
    assert filled.ask(f"{own}?match[version]={VERSIONS[2]}", method="DELETE").status == 200
    assert filled.ask(f"{own}versions/").document["versions"] == [VERSIONS[1], VERSIONS[3]]
    assert filled.ask(f"{own}?match[version]=last", method="DELETE").status == 200
    assert filled.ask(f"{own}versions/").document["versions"] == [VERSIONS[1]]
    assert filled.ask(f"{own}?match[version]=nonsense", method="DELETE").status == 400


@pytest.mark.parametrize(("collection", "status"), [(HIDDEN, 404), (READ, 403), (WRITE, 403)])
def test_5_7_the_table_of_rights_holds(vessland: Asking, collection: str, status: int):
    path = f"{ROOT}collections/{collection}/objects/{an_id('indicator', 1)}/"
    assert vessland.ask(path, method="DELETE").status == status


def test_5_8_versions_are_listed(filled: Asking):
    document = filled.ask(f"{OBJECTS}{an_id('indicator', 1)}/versions/").document
    assert document == {"more": False, "versions": list(VERSIONS.values())}


def test_5_8_1_without_versions_the_key_is_left_out(filled: Asking):
    path = f"{OBJECTS}{an_id('indicator', 1)}/versions/?match[spec_version]=2.0"
    assert filled.ask(path).document == {"more": False}


# --- 7.1.1, Appendix B ---------------------------------------------------------------------------------


def test_7_1_1_custom_properties_of_an_envelope_are_passed_over(vessland: Asking):
    own = indicator(1, x_acme_score=7)
    body = b'{"x_acme_note":[1,{"a":2}],"objects":[' + codec.encode(own) + b"]}"
    answer = vessland.ask(OBJECTS, method="POST", body=body)
    assert (answer.status, answer.document["success_count"]) == (202, 1)
    assert vessland.ask(OBJECTS).document["objects"] == [own], "and those of an object are kept"


def test_appendix_b_a_cursor_opens_nothing(filled: Asking, place: Place, url: str):
    following = filled.ask(f"{OBJECTS}?limit=2").document["next"]
    sorrel = Asking(url, f"Bearer {place.sorrel}")
    assert len(sorrel.ids(f"{OBJECTS}?next={following}")) == 2, "the same rights, the same page"
    nobody = Asking(url, f"Bearer {place.nobody}")
    assert nobody.ask(f"{OBJECTS}?next={following}").status == 404
    assert Asking(url, None).ask(f"{OBJECTS}?next={following}").status == 401
