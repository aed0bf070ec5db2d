"""Aura: any openchat-ui or chatbot-ui (legacy) server."""

from adapters.aura.adapter import Aura

__all__ = ["Aura"]

Aura.__module__ = "adapters"
