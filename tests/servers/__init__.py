"""Real servers that others wrote, set up by `make servers` and asked through the adapter and a router."""
