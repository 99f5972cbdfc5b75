"""OpenCTI's external-import/taxii2 connector, as it asks: on taxii2-client, by titles, with a cursor it never forgets.

Modes: "" no limit · "limit" 50 an answer · "all" every collection of every root, one after the other, with the
cursor of one going along into the next.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from driving import arguments, ids, need, put_new, report, same
from requests.auth import HTTPBasicAuth
from taxii2client.v21 import Server

MOST_ANSWERS = 200

asked = arguments()
server = Server(asked.url, auth=HTTPBasicAuth(asked.user, asked.password), verify=False)
# On its first run, its own clock's local time without a zone; taxii2-client calls that UTC.
filters: dict[str, object] = {"added_after": datetime.now() - timedelta(hours=24)}  # noqa: DTZ005
if asked.mode == "limit":
    filters["limit"] = 50


def poll(collection) -> list[dict]:
    """Read what one collection has; the filters live on."""
    got: list[dict] = []
    for _ in range(MOST_ANSWERS):
        answer = collection.get_objects(**filters)
        got += answer.get("objects", [])
        if answer.get("more") is not True:
            return got
        if "next" not in answer:
            raise SystemExit("an answer says more without next: the connector would ask for ever")
        filters.pop("added_after", None)
        filters["next"] = answer["next"]
    raise SystemExit("the answers never ended")


if asked.mode == "all":
    by_collection = {c.id: poll(c) for root in server.api_roots for c in root.collections}
    need(len(by_collection) >= 2, "there is only one collection")
    read = by_collection[asked.collection]
else:
    roots = {root.url.split("/")[-2]: root for root in server.api_roots}
    titles = {c.title: c for c in roots[asked.api_root.split("/")[-2]].collections}
    read = poll(titles[asked.title])
came = sorted(set(ids(read)))
same(len(came), asked.expect, "objects read")

# The next run: its clock's time at this one, and what is left of the cursor.
writable = next(c for root in server.api_roots for c in root.collections if c.id == asked.write_collection)
filters.pop("next", None)
filters["added_after"] = (datetime.now(UTC) - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
new = put_new(asked, 3)
need(set(new) <= set(ids(poll(writable))), "the next run misses what was added in between")
report("opencti-taxii2", ids=came, mode=asked.mode)
