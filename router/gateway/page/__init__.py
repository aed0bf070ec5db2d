"""What operators see of a gateway: documents for programs, and a status page that is kept up to date.

    /healthz /readyz /metrics /health.json     for programs
    / /events                                  the page, and its updates
    /admin/isolate, reset, probe               for whoever shows the admin key

Nothing here shows a prompt, a reply, an address or the words of a service.
"""

from router.gateway.page.routes import page_routes
from router.gateway.page.watch import Watch

__all__ = ["Watch", "page_routes"]
