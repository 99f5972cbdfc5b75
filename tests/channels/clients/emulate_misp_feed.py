"""MISP's fetching of a feed, as it asks: the manifest with the tag it has, one request an event, `hashes.csv` for its cache."""

from __future__ import annotations

import hashlib

import requests
from driving import TIMEOUT_S, arguments, need, report, same

asked = arguments()
session = requests.Session()
session.auth = (asked.user, asked.password)
session.headers.update(
    {
        "User-Agent": "MISP 2.5.34 - #0000000000000000000000000000000000000000",
        "MISP-version": "2.5.34",
        "Accept": "application/json, text/plain, text/*",
    }
)


def get(name: str, has: str = "") -> requests.Response:
    """Ask for a file of the feed."""
    return session.get(f"{asked.url}{name}", headers={"If-None-Match": has} if has else {}, timeout=TIMEOUT_S)


first = get("manifest.json")
same(first.status_code, 200, "status of the manifest")
need(first.headers.get("ETag"), "the manifest has no ETag")
same(get("manifest.json", first.headers["ETag"]).status_code, 304, "status of a manifest that is known")
manifest = first.json()
stamps = [int(about["timestamp"]) for about in manifest.values()]
same(len(stamps), len(set(stamps)), "events with one timestamp (all, distinct)")
values = set()
for uuid, about in manifest.items():
    need(
        about["Orgc"]["uuid"] and about["info"] and about["date"], "the manifest says too little of an event"
    )
    event = get(f"{uuid}.json").json()["Event"]
    same((event["uuid"], int(event["timestamp"])), (uuid, int(about["timestamp"])), "event and manifest")
    attributes = [*event.get("Attribute", []), *(a for o in event.get("Object", []) for a in o["Attribute"])]
    need(attributes, "an event is empty")
    values |= {one["value"] for one in attributes if one["to_ids"]}
lines = [line.split(",") for line in get("hashes.csv").text.splitlines()]
need({uuid for _, uuid in lines} <= set(manifest), "hashes.csv names an event that the manifest does not")
digests = {digest for digest, _ in lines}
missing = {v for v in values if hashlib.md5(v.encode(), usedforsecurity=False).hexdigest() not in digests}
same(missing, set(), "values that hashes.csv does not have")
report("misp-feed", events=len(manifest), values=sorted(values))
