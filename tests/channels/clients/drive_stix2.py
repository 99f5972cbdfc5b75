"""python-stix2: TAXIICollectionSource, TAXIICollectionSink and TAXIICollectionStore."""

from __future__ import annotations

from driving import arguments, ids, indicators, report, same, whole
from stix2 import Filter, TAXIICollectionSink, TAXIICollectionSource, TAXIICollectionStore, parse
from taxii2client.v21 import Collection

asked = arguments()
login = {"user": asked.user, "password": asked.password}
collection = Collection(f"{asked.api_root}collections/{asked.collection}/", **login)
writable = Collection(f"{asked.api_root}collections/{asked.write_collection}/", **login)

source = TAXIICollectionSource(collection, allow_custom=True)
# The source asks for every version; the server's default is the last one.
latest = {}
for one in source.query():
    known = latest.get(one["id"])
    if known is None or one.get("modified", "") > known.get("modified", ""):
        latest[one["id"]] = one
came = whole(list(latest.values()), asked.expect)

malware = source.query([Filter("type", "=", "malware")])
same({one["type"] for one in malware}, {"malware"}, "types of what was asked by type")
same(source.get(came[0])["id"], came[0], "an object by its id")
same(source.get("indicator--00000000-0000-4000-8000-000000000000"), None, "an object that is not there")
if asked.versioned:
    same(len(source.all_versions(asked.versioned)), 3, "versions of one object")

new = [parse(one) for one in indicators(4)]
sink = TAXIICollectionSink(writable)
sink.add(new[0])  # a bundle of one
sink.add(new[1:])  # one request an object

store = TAXIICollectionStore(writable, allow_custom=True)
for one in new:
    same(store.get(one["id"])["name"], one["name"], "an object that was written")
mine = store.query([Filter("id", "=", new[2]["id"])])
same(ids(mine), [new[2]["id"]], "an object asked for by a filter")
more = parse(indicators(1)[0])
store.add(more)
same(store.get(more["id"])["id"], more["id"], "an object written through the store")
report("stix2", ids=came, wrote=len(new) + 1)
