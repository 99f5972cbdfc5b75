"""taxii2-client: discovery, roots, collections, manifest, pages, one object, versions, add, status, delete."""

from __future__ import annotations

import requests
from driving import arguments, ids, indicators, need, report, same, whole
from taxii2client.common import TokenAuth
from taxii2client.v21 import ApiRoot, Collection, Server, as_pages

asked = arguments()
login = {"user": asked.user, "password": asked.password}

server = Server(asked.url, **login)
need(server.title, "the discovery document has no title")
need(server.default is not None, "the discovery document has no default root")
roots = [root.url for root in server.api_roots]
need(asked.api_root in roots, f"{asked.api_root} is not among the roots {roots}")

root = ApiRoot(asked.api_root, **login)
need(root.max_content_length > 0, "the root names no greatest length")
offered = {collection.id: collection for collection in root.collections}
collection = offered[asked.collection]
same(collection.title, asked.title, "title of the collection")
need(collection.can_read, "the collection says that it cannot be read")
writable = offered[asked.write_collection]
need(writable.can_write, "the collection for writing says that it cannot be written")

first = collection.get_manifest()
need(first["objects"][0]["date_added"], "a manifest record has no date_added")
manifest = [
    record for page in as_pages(collection.get_manifest, per_request=40) for record in page.get("objects", [])
]
came = whole(manifest, asked.expect)
added = [record["date_added"] for record in manifest]
same(added, sorted(added), "manifest by date added")

pages = list(as_pages(collection.get_objects, per_request=40))
read = [one for page in pages for one in page.get("objects", [])]
same(whole(read, asked.expect), came, "objects and manifest")
need(len(pages) >= asked.expect // 40, "the pages were not bounded")

sample = read[len(read) // 2]
same(collection.get_object(sample["id"])["objects"], [sample], "the object by its id")
by_type = [
    one
    for page in as_pages(collection.get_objects, per_request=30, type=["indicator", "malware"])
    for one in page.get("objects", [])
]
same(
    ids(by_type),
    ids(one for one in read if one["type"] in {"indicator", "malware"}),
    "the objects of two types, in pages",
)
same(ids(collection.get_objects(id=sample["id"])["objects"]), [sample["id"]], "match[id]")
later = collection.get_objects(added_after=added[-11])
same(len(later["objects"]), 10, "objects added after the eleventh from the end")

if asked.versioned:
    versions = collection.object_versions(asked.versioned)["versions"]
    same(len(versions), 3, "versions of one object")
    every = collection.get_object(asked.versioned, version="all")["objects"]
    same(sorted(one["modified"] for one in every), sorted(versions), "all versions of one object")
    oldest = collection.get_object(asked.versioned, version="first")["objects"]
    same([one["modified"] for one in oldest], [min(versions)], "the first version")

new = indicators(12)
status = writable.add_objects({"objects": new}, wait_for_completion=True, timeout=60)
same(
    (status.status, status.success_count, status.failure_count), ("complete", 12, 0), "status of an addition"
)
status.refresh()
same(status.total_count, 12, "status when asked again")
same(root.get_status(status.id).success_count, 12, "status asked through the root")
gone = new[0]["id"]
same(ids(writable.get_object(gone)["objects"]), [gone], "an object that was added")
writable.delete_object(gone)
try:
    writable.get_object(gone)
except requests.HTTPError as error:
    same(error.response.status_code, 404, "status of an object that was deleted")
else:
    raise SystemExit("an object is still there after it was deleted")

used = ["basic"]
if asked.token:
    by_token = Collection(collection.url, auth=TokenAuth(asked.token))
    same(len(by_token.get_objects(limit=7)["objects"]), 7, "objects read with Authorization: Token")
    used.append("token")
report("taxii2-client", ids=came, wrote=len(new), deleted=1, auth=used)
