"""The APIs that clients speak to the gateway, without I/O."""
