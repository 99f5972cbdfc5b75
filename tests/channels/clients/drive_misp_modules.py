"""misp-modules: its import module taxii21, as the MISP server calls it."""

from __future__ import annotations

import json

from driving import arguments, need, report, same
from misp_modules.modules.import_mod import taxii21

asked = arguments()
where = f"{asked.api_root}collections/{asked.collection}/"
config = {"url": where, "username": asked.user, "password": asked.password, "stix_object_limit": "1000"}


def call(**more: str) -> dict:
    """Call it with the JSON that MISP hands over."""
    return taxii21.handler(json.dumps({"config": config | more}))


answer = call(type="indicator")
need("results" in answer, f"no results: {answer}")
values = [one["value"] for one in answer["results"]["Attribute"]]
values += [one["value"] for each in answer["results"]["Object"] for one in each["Attribute"]]
need(len(values) >= asked.expect // 2, f"only {len(values)} values came out of the indicators")
everything = call()
need("results" in everything, f"no results of a read of everything: {everything}")
refused = call(password="wrong")
same(refused.get("error"), "Access was denied.", "what a wrong password says")
report("misp-modules", values=sorted(values))
