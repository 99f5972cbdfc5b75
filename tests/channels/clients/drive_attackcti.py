"""attackcti: reads three collections with fixed ids, without a login."""

from __future__ import annotations

from attackcti import MitreAttackClient
from driving import arguments, ids, need, report, same

asked = arguments()
client = MitreAttackClient.from_taxii(collection_url=f"{asked.api_root}collections/")
techniques = client.enterprise.get_techniques(stix_format=True)
groups = client.enterprise.get_groups(stix_format=True)
software = client.mobile.get_malware(stix_format=True)
ics = client.ics.get_techniques(stix_format=True)
same(len(techniques), asked.expect, "techniques of the first collection")
need(groups and software and ics, "a collection came empty")
report("attackcti", ids=ids(techniques), groups=len(groups), software=len(software), ics=len(ics))
