"""What we tell a source, in STIX 2.1 that any tool reads: sighting, opinion, note, and their bundle."""
