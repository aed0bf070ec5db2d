"""The fault catalogue: what a network, a server and a caller can do to a request, on real sockets."""
