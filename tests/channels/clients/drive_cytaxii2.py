"""cytaxii2: discovery, root, collections, one collection, pages, filters, inbox."""

from __future__ import annotations

import json

from cytaxii2 import cytaxii2
from driving import arguments, indicators, need, report, same, whole

MOST_PAGES = 100

asked = arguments()
client = cytaxii2.cytaxii2(asked.url, asked.user, asked.password, version=2.1)


def good(answer: dict) -> dict:
    """Return what came, or end."""
    if not answer["status"]:
        raise SystemExit(f"answered {answer['status_code']}: {str(answer['response'])[:300]}")
    return answer["response"]


need(good(client.discovery_request())["default"].startswith("http"), "the default root is no absolute URL")
client.api_root = asked.api_root
need(good(client.root_discovery())["versions"], "the root names no version")
offered = [one["id"] for one in good(client.collection_request())["collections"]]
need(asked.collection in offered, "the collection is not offered")
same(good(client.collection_data_request(asked.collection))["title"], asked.title, "title of the collection")

read: list[dict] = []
following = None
for _ in range(MOST_PAGES):
    page = good(client.poll_request(asked.collection, limit=60, next=following))
    read += page.get("objects", [])
    following = page.get("next")
    if not page.get("more"):
        break
else:
    raise SystemExit("the pages never ended")
came = whole(read, asked.expect)
one = good(client.poll_request(asked.collection, object_id=came[3]))["objects"]
same([each["id"] for each in one], [came[3]], "an object by its id")
some = good(client.poll_request(asked.collection, object_type="malware", limit=5))["objects"]
same({each["type"] for each in some}, {"malware"}, "types of what was asked by type")
none = good(client.poll_request(asked.collection, added_after="2099-01-01T00:00:00.000Z"))
same(none.get("objects", []), [], "objects added in the future")

new = indicators(3)
status = good(client.inbox_request(asked.write_collection, json.dumps({"objects": new})))
same(status["success_count"], 3, "objects written")
lost = client.poll_request("00000000-0000-4000-8000-000000000000")
same(lost["status_code"], 404, "status of a collection that is not there (and its body is JSON)")
report("cytaxii2", ids=came, wrote=len(new))
