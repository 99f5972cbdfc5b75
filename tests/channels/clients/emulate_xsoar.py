"""Cortex XSOAR's TAXII2 feed, as it asks: on taxii2-client, root by its last name, collection by its title, types."""

from __future__ import annotations

import requests
from driving import arguments, ids, need, put_new, report, same
from taxii2client.common import TokenAuth, _HTTPConnection
from taxii2client.v21 import ApiRoot, Server, as_pages

LIMIT = 100
TYPES = ["indicator", "malware", "relationship"]

asked = arguments()
if asked.mode == "token":
    connection = _HTTPConnection(auth=TokenAuth(asked.token), verify=False, version="2.1")
elif asked.mode == "header":
    connection = _HTTPConnection(verify=False, version="2.1")
    connection.session.headers["X-API-Key"] = asked.token
else:
    connection = _HTTPConnection(user=asked.user, password=asked.password, verify=False, version="2.1")
server = Server(asked.url, conn=connection)
wanted = asked.api_root.split("/")[-2]
root = next((root for root in server.api_roots if root.url.split("/")[-2] == wanted), None)
need(root is not None, "no root has the name")
root = ApiRoot(root.url, conn=connection)
titles = {collection.title: collection for collection in root.collections}


def fetch(title: str, added_after: str | None = None) -> list[dict]:
    """Read the wanted types until a page is empty."""
    got: list[dict] = []
    try:
        for page in as_pages(
            titles[title].get_objects, per_request=LIMIT, added_after=added_after, type=TYPES
        ):
            objects = page.get("objects", [])
            if not objects:
                break
            got += objects
    except requests.HTTPError as error:
        same(error.response.status_code, 200, "status of a page")
    return got


read = fetch(asked.title)
need(read, "nothing came")
same(len(read), len(set(ids(read))), "objects that came twice (came, distinct)")
same({one["type"] for one in read} - set(TYPES), set(), "types that were not asked for")
since = titles[asked.write_title].get_manifest(limit=1000).get("objects", [])
last = max((record["date_added"] for record in since), default="2020-01-01T00:00:00.000000Z")
new = put_new(asked, 3)
same(ids(fetch(asked.write_title, last)), new, "what was added since")
report("xsoar", ids=ids(read), mode=asked.mode)
