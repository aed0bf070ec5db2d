"""Opchatgpts: any WordPress site with the AI Engine plugin."""

from adapters.opchatgpts.adapter import Opchatgpts

__all__ = ["Opchatgpts"]

Opchatgpts.__module__ = "adapters"
