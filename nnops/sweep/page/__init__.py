"""A study as one HTML page that needs no network: what was found, the figures, every trial."""
