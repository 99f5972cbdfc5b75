"""MISP's pages for a TAXII server, as they ask: `basic` in lower case, an empty `next`, and a push of envelopes.

The push is `taxii_push.py`'s: base URL and root joined, no last slash on the collection, the root's greatest
length kept, nothing waited for.
"""

from __future__ import annotations

import json
from base64 import b64encode

import requests
import taxii2client
from driving import TAXII, TIMEOUT_S, arguments, ids, indicators, need, report, same, whole
from requests.auth import HTTPBasicAuth

MOST_PAGES = 50
MOST_BYTES = 3000  # of an envelope here, so that the push needs several

asked = arguments()
base, _, root = asked.api_root.rstrip("/").rpartition("/")
key = b64encode(f"{asked.user}:{asked.password}".encode()).decode()
headers = {"Accept": TAXII, "Content-type": TAXII, "Authorization": f"basic {key}"}


def query(path: str, given: dict[str, object] | None = None) -> dict:
    """Ask as its model does."""
    answer = requests.get(f"{base}/{root}/{path}", params=given, headers=headers, timeout=TIMEOUT_S)
    if not answer.ok:
        raise SystemExit(f"{path} answered {answer.status_code}: {answer.text[:200]}")
    return answer.json()


offered = query("collections/")["collections"]
need(asked.collection in [one["id"] for one in offered], "the collection is not offered")
read: list[dict] = []
following = ""
for _ in range(MOST_PAGES):
    page = query(f"collections/{asked.collection}/objects/", {"limit": 50, "next": following})
    need(page.get("objects"), "a page without objects is shown as an error")
    read += page["objects"]
    if not page.get("more"):
        break
    following = page["next"]
came = whole(read, asked.expect)
one = query(f"collections/{asked.collection}/objects/{came[0]}/")["objects"][0]
same(one["id"], came[0], "one object")

login = HTTPBasicAuth(asked.user, asked.password)
with taxii2client.ApiRoot(f"{base}/{root}", auth=login) as about:
    need(about.max_content_length >= MOST_BYTES, "the root's greatest length is too small for anything")
new = indicators(9)
sent = 0
with taxii2client.Collection(f"{base}/{root}/collections/{asked.write_collection}", auth=login) as writable:
    waiting = [json.dumps(each) for each in new]
    while waiting:
        envelope = [waiting.pop(0)]
        while waiting and len(",".join([*envelope, waiting[0]])) + 14 <= MOST_BYTES:
            envelope.append(waiting.pop(0))
        body = ('{"objects":[' + ",".join(envelope) + "]}").encode()
        status = writable.add_objects(body, wait_for_completion=False)
        same(status.failure_count, 0, "objects refused")
        sent += 1
    there = writable.get_objects(id=[each["id"] for each in new])["objects"]
same(ids(there), ids(new), "what was pushed")
need(sent > 1, "one envelope held everything")
report("misp", ids=came, wrote=len(new), envelopes=sent)
