"""A configured adapter in a router, and what is known of it."""
