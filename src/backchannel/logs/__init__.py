"""Log files of the operator's own network: what they are, and which of their fields hold observables.

One table (`*.toml`) for each format. A log is read for its observables, its times and the two sides of a
record; everything else in it is left where it is.
"""
