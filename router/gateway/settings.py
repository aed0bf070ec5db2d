"""What an operator sets for the gateway; it stands with the other settings, so that files can hold it."""

from router.policy.gateway import ClientKey, GatewaySettings

__all__ = ["ClientKey", "GatewaySettings"]
