"""Serves a gateway: uvicorn, with limits for what clients send, an end in good order, and new settings."""
