"""What the commands share: flags from configurations, errors in one line, presets, resuming."""
