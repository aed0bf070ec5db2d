"""One endpoint for a team: a router behind the APIs that chat clients speak. Needs the extra `gateway`.

from router.gateway import GatewaySettings, app

application = app(router)          # ASGI; serve it with uvicorn, or mount it beside others
"""

from router.gateway.settings import ClientKey, GatewaySettings
from router.observers._extra import missing

try:
    from router.gateway.application import app
except ModuleNotFoundError as error:
    package = (error.name or "").partition(".")[0]
    if package not in ("prometheus_client", "starlette", "uvicorn"):
        raise
    raise missing("router.gateway", package, "gateway") from error

__all__ = ["ClientKey", "GatewaySettings", "app"]
