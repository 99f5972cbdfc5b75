"""Lists of what is known to be harmless, shared or everywhere: they label, and never drop in silence."""
