"""Google SecOps' STIX/TAXII ingestion, as it asks: the default root, titles, indicators only, until a page has none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from driving import arguments, ids, need, put_new, report, same
from taxii2client.v21 import Server, as_pages

asked = arguments()
root = Server(url=asked.url, user=asked.user, password=asked.password).default
titles = {collection.title: collection for collection in root.collections}
need(asked.title in titles, "the default root does not offer the collection")
page_size = 40 if asked.mode == "small" else 1000


def pull(title: str, start: datetime) -> list[dict]:
    """Read indicators added since; it stops at the first page without one."""
    got: list[dict] = []
    for page in as_pages(
        titles[title].get_objects,
        per_request=page_size,
        added_after=start.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        type="indicator",
    ):
        found = [one for one in page.get("objects", []) if one.get("type").lower() == "indicator"]
        if not found:
            break
        got += found
    return got


read = pull(asked.title, datetime.now(UTC) - timedelta(days=1))
need(read, "nothing came")
same(len(read), len(set(ids(read))), "indicators that came twice (came, distinct)")
before = datetime.now(UTC) - timedelta(seconds=1)
new = put_new(asked, 3)
need(set(new) <= set(ids(pull(asked.write_title, before))), "what was added since is missing")
report("secops", ids=ids(read), mode=asked.mode)
