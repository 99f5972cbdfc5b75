"""What readers of MISP ask us: feeds below `/feeds/`, the calls of its own interface below `/misp/`."""
