"""The whole chain: router, real adapters, real sockets, simulators."""
