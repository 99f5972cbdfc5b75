"""cc-taxii2-client: collections of a root, indicators in pages. Its account goes out in lower case, `next` unquoted."""

from __future__ import annotations

from urllib.parse import urlsplit

from cc_taxii2_client.core import CCTaxiiClient
from driving import arguments, need, report, same

asked = arguments()
client = CCTaxiiClient(asked.user, asked.password)
# The one thing set from outside: its server is a constant.
where = urlsplit(asked.api_root)
client.url = f"{where.scheme}://{where.netloc}{where.path.rstrip('/').rpartition('/')[0]}"
root = where.path.rstrip("/").rpartition("/")[2]
client.account = root  # the name of its private root

need(asked.collection in client.get_collections(root), "the collection is not offered")
only = {"type": "indicator"}
pages = list(
    client.get_cc_indicators_generator(
        asked.collection, limit=25, private=True, matches=only, follow_pages=True
    )
)
read = [one.id for page in pages for one in page]
same(len(read), len(set(read)), "objects that came twice (came, distinct)")
need(len(pages) > 3, "the pages were not bounded")
once = list(
    client.get_cc_indicators_generator(
        asked.collection, private=True, matches=only, added_after="2020-01-01T00:00:00.000000Z"
    )
)
first = [one.id for page in once for one in page]
need(first and set(first) <= set(read), "the first page alone holds something else")
report("cc-taxii2-client", ids=sorted(read))
