"""What all endpoints of a gateway share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.gateway.admission import Admission
from router.gateway.page.watch import Watch
from router.gateway.routers import Routers
from router.gateway.trail import Trail

if TYPE_CHECKING:
    from router import Router
    from router.gateway.settings import GatewaySettings


class Gateway:
    """What all endpoints share: the router that answers now, the settings, and who may ask.

    Args:
        router: Answers the requests.
        settings: See `GatewaySettings`.
        local: Whether the gateway listens on the loopback address alone.

    Attributes:
        routers: The router, and those before it.
        settings: As given; replaced by `change`.
        admission: Who may ask.
        local: As given.
        draining: Whether it takes no new requests, since it is about to end.
        watch: What was seen of the requests.
        trail: Knows the requests that come back.
    """

    def __init__(
        self,
        router: Router,
        settings: GatewaySettings,
        *,
        local: bool = False,
    ) -> None:
        self.routers = Routers(router)
        self.settings = settings
        priced, sharing = router.prices is not None, router.sharing
        self.admission = Admission(settings, local=local, priced=priced, sharing=sharing)
        self.local = local
        self.draining = False
        self.watch = Watch(router)
        self.trail = Trail()

    @property
    def router(self) -> Router:
        """Answers requests that begin from now on; those under way keep the one that they began with."""
        return self.routers.current

    @property
    def running(self) -> int:
        """How many requests are read, wait or are answered now."""
        return self.admission.gate.inside

    def change(self, router: Router, settings: GatewaySettings) -> tuple[str, ...]:
        """Let another router answer from now on, under other settings.

        It keeps what the one before was told and learned; see `Router.take_over`.

        Returns:
            The names of providers that an operator isolated, and that the router does not have.

        Raises:
            ValueError: The settings cannot be used here; nothing is changed.
        """
        self.admission.change(settings, priced=router.prices is not None, sharing=router.sharing)
        self.settings = settings
        lost = router.take_over(self.router)
        self.routers.change(router)
        self.watch.follow(router)
        return lost
