"""The formal ways that intelligence comes and goes: TAXII, MISP, feeds."""
