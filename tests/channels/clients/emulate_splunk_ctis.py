"""Splunk's CTIS app, as it sends: a root, its collections, one by its id, a bundle as text."""

from __future__ import annotations

import json
import uuid

from driving import arguments, ids, indicators, report, same
from taxii2client.v21 import ApiRoot

asked = arguments()
root = ApiRoot(asked.api_root, user=asked.user, password=asked.password)
collection = next(one for one in root.collections if str(one.id) == asked.write_collection)
new = indicators(6)
bundle = {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": new}
status = collection.add_objects(json.dumps(bundle))
same((status.status, status.success_count), ("complete", 6), "what became of the bundle")
same(ids(collection.get_objects(id=[one["id"] for one in new])["objects"]), ids(new), "what was sent")
report("splunk-ctis", wrote=len(new))
