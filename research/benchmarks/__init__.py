"""Speed: measurements, and what was tried for it."""
