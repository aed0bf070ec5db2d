"""OpenAssistant: any Open-Assistant web site."""

from adapters.open_assistant.adapter import OpenAssistant

__all__ = ["OpenAssistant"]

OpenAssistant.__module__ = "adapters"
