"""The commands of `oligomdt`: each module adds its own to the command line and runs it."""
