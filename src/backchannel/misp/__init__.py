"""MISP core-format events and STIX 2.1 objects, each made of the other, with a report of what was lost.

Pure: reads and writes values. `reading` and `writing` know the JSON of MISP, `to_stix` and `from_stix` what
means what, `feed` and `search` what MISP's readers ask for.
"""
