"""One endpoint for a team: a router behind the APIs that chat clients speak. Needs the extra `gateway`.

from router.gateway import GatewaySettings, app

application = app(router)          # ASGI; serve it with uvicorn, or mount it beside others
"""

from router.gateway.application import app
from router.gateway.settings import ClientKey, GatewaySettings

__all__ = ["ClientKey", "GatewaySettings", "app"]
