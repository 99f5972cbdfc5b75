"""Microsoft Sentinel, as its documentation says: root URL and collection id, a look-back, a poll, and an export.

It is closed: what is here is what an administrator gives it and what the standard lets it ask. The import takes
indicators and other objects from a start in the past and then what is new; the export sends envelopes.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import requests
from driving import TAXII, TIMEOUT_S, arguments, ids, indicators, need, objects_url, report, same, whole

MOST_PAGES = 100

asked = arguments()
session = requests.Session()
session.auth = (asked.user, asked.password)
session.headers["Accept"] = TAXII


def get(where: str, **given: object) -> requests.Response:
    """Ask, or end."""
    answer = session.get(where, params=given, timeout=TIMEOUT_S, allow_redirects=False)
    if answer.status_code != 200:
        raise SystemExit(f"{where} answered {answer.status_code}: {answer.text[:200]}")
    same(answer.headers["Content-Type"].replace(" ", ""), TAXII, "media type")
    return answer


def poll(collection: str, since: str) -> tuple[list[dict], str]:
    """Read everything added after a time; return it and the time to go on from."""
    got: list[dict] = []
    given: dict[str, object] = {"added_after": since}
    for _ in range(MOST_PAGES):
        answer = get(objects_url(asked, collection), **given)
        page = answer.json()
        got += page.get("objects", [])
        since = answer.headers.get("X-TAXII-Date-Added-Last", since)
        if not page.get("more"):
            return got, since
        given = given | {"next": page["next"]}
    raise SystemExit("the pages never ended")


need(get(asked.api_root).json()["versions"], "the root names no version")
about = get(f"{asked.api_root}collections/{asked.collection}/").json()
need(about["can_read"], "the collection cannot be read")
start = (datetime.now(UTC) - timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
read, at = poll(asked.collection, start)
came = whole(read, asked.expect)
same(poll(asked.collection, at)[0], [], "objects read once more")

_, at = poll(asked.write_collection, start)
new = indicators(4)
answer = session.post(
    objects_url(asked, asked.write_collection),
    data=json.dumps({"objects": new}),
    headers={"Content-Type": TAXII},
    timeout=TIMEOUT_S,
)
same(answer.status_code, 202, "status of an export")
same(ids(poll(asked.write_collection, at)[0]), ids(new), "what was added since")
report("sentinel", ids=came, wrote=len(new))
