"""Observers for other people's telemetry; each needs an extra of its own.

    OpenTelemetryObserver    a span for each request and each attempt; pip install 'chat-router[otel]'
    PrometheusObserver       counters and histograms; pip install 'chat-router[prometheus]'

Give one to a router with `Router(providers, observers=[...])`; an observer may serve several routers.
"""
