"""Who said what about which object, through whom, and what proves it."""
