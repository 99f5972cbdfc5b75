"""OpenCTI's own TAXII ingestion, as it asks: one page a cycle, cursor and time kept in its database.

It keeps the time of the last object to the millisecond, sends cursor and time together, and takes its own
clock where the header is missing.
"""

from __future__ import annotations

from datetime import UTC, datetime

import requests
from driving import TAXII, TIMEOUT_S, arguments, objects_url, put_new, report, same, whole

MOST_CYCLES = 120

asked = arguments()


class Ingestion:
    """What its database keeps of one ingestion."""

    def __init__(self, collection: str) -> None:
        self.url = objects_url(asked, collection)
        self.cursor: str | None = None
        self.added_after: str | None = None

    def cycle(self) -> list[dict]:
        """Ask once, and keep what is to be kept; a new connection each time, as minutes lie between."""
        given = {"next": self.cursor, "added_after": self.added_after}
        headers = {"Accept": TAXII, "User-Agent": "axios/1.7"}
        if asked.mode == "bearer":
            headers["Authorization"] = f"Bearer {asked.token}"
            login = None
        else:
            login = (asked.user, asked.password)
        answer = requests.get(self.url, params=given, headers=headers, auth=login, timeout=TIMEOUT_S)
        answer.raise_for_status()
        page = answer.json()
        objects = page.get("objects") or []
        if not objects:
            self.cursor = None
        elif page.get("more") and page.get("next"):
            self.cursor = page["next"]
        else:
            self.cursor = None
            last = answer.headers.get("x-taxii-date-added-last")
            at = datetime.fromisoformat(last) if last else datetime.now(UTC)
            self.added_after = at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
        return objects

    def read(self) -> list[dict]:
        """Cycle until one brings nothing."""
        got: list[dict] = []
        for _ in range(MOST_CYCLES):
            objects = self.cycle()
            if not objects:
                return got
            got += objects
        raise SystemExit(f"it reads for ever: {len(got)} objects, {len({one['id'] for one in got})} distinct")


reading = Ingestion(asked.collection)
came = whole(reading.read(), asked.expect)
same(reading.read(), [], "objects read once more")
writing = Ingestion(asked.write_collection)
writing.read()
for count in (1, 4, 2):
    new = put_new(asked, count)
    same(sorted(one["id"] for one in writing.read()), new, "what was added since")
report("opencti-platform", ids=came, mode=asked.mode)
