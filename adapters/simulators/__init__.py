"""Loopback servers that speak the protocols of the services, with faults on demand."""
