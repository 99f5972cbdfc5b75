"""TAXII 2.1: our client, which also reads TAXII 2.0, and our server."""
