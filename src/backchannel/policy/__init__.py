"""Who may see what: rules that a person can read, decided without I/O."""
