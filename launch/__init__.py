"""Scripts to start: flags to a frozen configuration to one call. Nothing imports this package."""
