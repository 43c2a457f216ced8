"""Actor-critics."""
