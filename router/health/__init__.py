"""The health of the providers: states from evidence, probes, reports, the monitor."""
