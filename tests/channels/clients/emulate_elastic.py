"""Elastic's ti_custom in its TAXII mode (a CEL program of Filebeat), as it asks.

It reads `objects` without asking whether it is there, goes on while `next` is not empty whatever `more` says,
sends the cursor with the limit only, and keeps the header of the last page; a page without it loses the place.
Modes: "" no limit · "limit" 50 an answer.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import requests
from driving import TAXII, TIMEOUT_S, arguments, need, objects_url, put_new, report, same, whole

MOST_ANSWERS = 100

asked = arguments()
limit = {"limit": "50"} if asked.mode == "limit" else {}
last: dict[str, str | None] = {}


def interval(collection: str) -> list[dict]:
    """Do what it does each time its interval is over."""
    where = objects_url(asked, collection).rstrip("/") + "/"
    start = datetime.now(UTC) - timedelta(hours=24)
    given = {"added_after": last.get(collection) or start.strftime("%Y-%m-%dT%H:%M:%SZ"), **limit}
    got: list[dict] = []
    for _ in range(MOST_ANSWERS):
        answer = requests.get(
            where,
            params=given,
            headers={"Accept": TAXII, "Authorization": f"Bearer {asked.token}"}
            if asked.token
            else {"Accept": TAXII},
            auth=None if asked.token else (asked.user, asked.password),
            timeout=TIMEOUT_S,
        )
        if answer.status_code not in {200, 206}:
            raise SystemExit(f"answered {answer.status_code}: {answer.text[:200]}")
        page = answer.json()
        if "objects" not in page:
            raise SystemExit("no such key: objects")
        got += page["objects"]
        last[collection] = answer.headers.get("X-Taxii-Date-Added-Last")
        following = page.get("next") or ""
        if not following:
            return got
        given = {"next": following, **limit}
    raise SystemExit("the answers never ended")


came = whole(interval(asked.collection), asked.expect)
for _ in range(3):
    same(interval(asked.collection), [], "objects read once more")
    need(last[asked.collection], "an empty page carries no X-TAXII-Date-Added-Last: the place is lost")
interval(asked.write_collection)
for count in (3, 1):
    new = put_new(asked, count)
    same(sorted(one["id"] for one in interval(asked.write_collection)), new, "what was added since")
report("elastic", ids=came, mode=asked.mode)
