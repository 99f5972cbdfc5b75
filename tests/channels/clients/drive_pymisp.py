"""PyMISP: the six calls that scripts make first, with the key in the Authorization header as it stands."""

from __future__ import annotations

import warnings

from driving import arguments, need, report, same
from pymisp import MISPSighting, PyMISP

PAGE = 20

asked = arguments()
warnings.simplefilter("ignore")
# --url is the base here; construction asks servers/getVersion, users/view/me and attributes/describeTypes.json.
misp = PyMISP(asked.url, asked.token, ssl=False)
need(misp.misp_instance_version.get("version"), "the version is missing")
need("domain" in misp.types, "the types do not name domain")

events = []
for page in range(1, 100):
    some = misp.search("events", limit=PAGE, page=page, pythonify=True)
    if not isinstance(some, list) or not some:
        break
    events += some
need(events, "no event came")
uuids = [event.uuid for event in events]
same(len(uuids), len(set(uuids)), "events that came twice (came, distinct)")
attributes = misp.search("attributes", limit=1000, pythonify=True)
need(isinstance(attributes, list) and attributes, f"no attribute came: {str(attributes)[:200]}")
by_value = misp.search("attributes", value=attributes[0].value, pythonify=True)
need(attributes[0].value in [one.value for one in by_value], "an attribute is not found by its value")
viewed = misp.get_event(events[0].uuid, pythonify=True)
same(viewed.uuid, events[0].uuid, "an event by its UUID")

sighting = MISPSighting()
sighting.from_dict(value=attributes[0].value, source="a client under test", type="0")
added = misp.add_sighting(sighting)
need("errors" not in added, f"a sighting was refused: {str(added)[:200]}")
report("pymisp", events=len(events), values=sorted({one.value for one in attributes}))
