"""OpenCTI's stream/taxii-post, as it posts: a bundle an object, a STIX media type with a space, no markings."""

from __future__ import annotations

import uuid

import requests
from driving import TAXII, TIMEOUT_S, arguments, indicators, objects_url, report, same

asked = arguments()
headers = {
    "Content-Type": "application/stix+json; version=2.1",
    "Accept": "application/taxii+json; version=2.1",
}
where = objects_url(asked, asked.write_collection)
new = indicators(3)
for number, one in enumerate(new):
    bundle = {"type": "bundle", "spec_version": "2.1", "id": f"bundle--{uuid.uuid4()}", "objects": [one]}
    if asked.token and number:
        login = {"headers": headers | {"Authorization": f"Bearer {asked.token}"}}
    else:
        login = {"headers": headers, "auth": (asked.user, asked.password)}
    answer = requests.post(where, json=bundle, timeout=TIMEOUT_S, **login)
    answer.raise_for_status()
    same(answer.json()["success_count"], 1, "objects taken")
for one in new:
    back = requests.get(
        f"{where}{one['id']}/",
        headers={"Accept": TAXII},
        auth=(asked.user, asked.password),
        timeout=TIMEOUT_S,
    )
    same(back.json()["objects"], [one], "the object that was posted")
report("opencti-taxii-post", wrote=len(new))
