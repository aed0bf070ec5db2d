"""Where a router may come from besides its constructor: a file, or what the machine offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, Self, cast

from adapters.contract.keywords import KnownKeywords
from router.request.pending import PendingRouter

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from os import PathLike

    from router.events import Observer
    from router.health.report import Keeper


class Origins(KnownKeywords):
    """The ways to make a router that read something first; of `Router`."""

    @classmethod
    def from_config(
        cls,
        path: str | PathLike[str],
        *,
        environ: Mapping[str, str] | None = None,
        observers: Sequence[Observer] | None = None,
        history: Keeper | None = None,
    ) -> Self:
        """Return the router that a TOML file describes; nothing connects. See `router.config`.

        Args:
            path: The file.
            environ: Where its `{ env = "NAME" }` leads; by default the environment of the process.
            observers: As of the class.
            history: As of the class.

        Raises:
            ConfigError: The file cannot be used; it tells every mistake.
        """
        from router.config import load

        config = load(path, environ)
        made: Self = cast("Any", cls)(
            config.providers, **config.policies, observers=observers, history=history
        )
        return made

    @classmethod
    def from_env(
        cls,
        *,
        environ: Mapping[str, str] | None = None,
        models: Mapping[str, str] | None = None,
        local: bool = True,
        tell: Callable[[str], object] | None = None,
        **settings: Any,
    ) -> PendingRouter[Self]:
        """Return a router of what this machine offers: services whose key is set, then local servers.

            async with Router.from_env() as router:           # closes it at the end of the block
            router = await Router.from_env()                  # to be closed by you

        It is awaited or entered since it asks local servers for their lists of models, on the loopback
        address only, for 0.3 seconds at most, all at once; nobody else is asked. A key is read from the usual
        variable of its service, and not tried out. See `router.config.environment.look_around`.

        Args:
            environ: Where keys and models (`CHAT_ROUTER_GROQ_MODEL`) are looked up; by default the
                environment of the process.
            models: Preset -> the model to ask for, such as `{"groq": "llama-3.3-70b-versatile"}`.
            local: Whether local servers are looked for.
            tell: Called with each line about what was found and in which order it is asked, such as `print`;
                a line names variables, never their values.
            settings: As of the class.

        Raises:
            ConfigError: Nobody can be asked.
            ValueError: `models` names an unknown preset, or a key cannot be used.
        """

        async def look() -> Self:
            from router.config.environment import look_around

            found = await look_around(environ, models, local=local)
            for line in found.lines:
                if tell is not None:
                    tell(line)
            made: Self = cast("Any", cls)(found.required(), **settings)
            return made

        return PendingRouter(look(), f"{cls.__name__}.from_env", cls)

    def __await__(self) -> Generator[Any, Any, Self]:
        """Return this router: `await Router.from_config(…)` is the same as without `await`."""
        return self._itself().__await__()

    async def _itself(self) -> Self:
        return self

    if not TYPE_CHECKING:  # a type checker refuses a plain `with` by itself

        def __enter__(self) -> NoReturn:
            """Refuse a plain `with`.

            Raises:
                TypeError: Always.
            """
            raise TypeError(
                "a Router is asynchronous; write `async with Router(…) as router:`, "
                "or `with SyncRouter(…) as router:` in a program without an event loop"
            )

        def __exit__(self, *_: object) -> None:
            return
