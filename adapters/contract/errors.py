"""What can go wrong with one provider, and what follows from it.

    ChatRouterError
      AdapterError                                                          disposition  scope
        ConnectFailed       refused, reset, names that fail for now         RETRY        provider
        ConnectionLost      after the connect, before the reply's end       RETRY        provider
        ServiceFailed       the service says that it failed                 RETRY        model
        RateLimited         too many requests for now                       RETRY        model
        Busy                no free connection slot here, on our side       RETRY        request
        Unreachable         no such name, connect timeout, TLS              FAILOVER     provider
        FirstContentTimeout connected, but no content in time               FAILOVER     model
        Stalled             content stopped coming                          FAILOVER     model
        BadReply            an answer that is not the protocol's            FAILOVER     provider
          ReplyTooLarge     over a limit of ours                            FAILOVER     ambiguous
        EmptyReply          a reply without content                         FAILOVER     model
        Truncated           a reply without the proof of its end            FAILOVER     model
        ReplyRejected       the caller's `validate` refused the reply       FAILOVER     request
        InvalidRequest      the service does not take this request          FAILOVER     request
          ContextTooLong    the messages are too long for it                FAILOVER     request
        NotWorking          the service cannot serve us now                 FAILOVER     provider
          AuthenticationFailed                                              FAILOVER     account
          QuotaExhausted                                                    FAILOVER     account
          ModelNotFound                                                     FAILOVER     model
        ContentRefused      the content itself is refused                   ABORT        request
        LocalFailure        this machine: no descriptors, no route          ABORT        request

The scope says whom a failure speaks about. An instance may narrow the scope of its class (`scope=`). Where it
cannot be told, the instance is `ambiguous`: the router takes it for a failure of the request until requests
of different content meet it too.

An adapter raises these; the router reads the disposition and decides. `FirstContentTimeout`, `Stalled`,
`Truncated`, `EmptyReply` and `ReplyRejected` are raised by the router, which owns the clocks and sees how a
reply ended.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar, TypeVar


class Disposition(StrEnum):
    """What an error asks for, before any content was delivered."""

    RETRY = "retry"
    """Move on; this provider may be tried again in a later round."""
    FAILOVER = "failover"
    """Move on; trying this provider again within this request does not help."""
    ABORT = "abort"
    """Stop: another provider would not help, or must not be asked."""


class Scope(StrEnum):
    """Whom a failure speaks about, from the narrowest to the widest."""

    REQUEST = "request"
    """This request alone: its content, size, options, or its caller's own short limits. Never remembered."""
    MODEL = "model"
    """The model that was asked for, at this provider."""
    ACCOUNT = "account"
    """What this key, cookie or account may do at the provider."""
    PROVIDER = "provider"
    """The provider, whoever asks it for whatever."""


class ChatRouterError(Exception):
    """The root of every error of this library.

    It survives pickle, copy and deepcopy with all its fields, and with its `__cause__` where that is an error
    of this library. Of another cause a note says what it was: it may hold anything.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception is rebuilt by calling its class with `args` otherwise, which most of ours do not take.
        cause = self.__cause__
        ours = cause if isinstance(cause, ChatRouterError) else None
        fields = dict(vars(self))
        if cause is not None and ours is None:
            fields["__notes__"] = [*fields.get("__notes__", ()), _caused_by(cause)]
        return _rebuilt, (type(self), self.args, fields, ours)


def _rebuilt(
    kind: type[ChatRouterError], args: tuple[Any, ...], fields: dict[str, Any], cause: Exception | None
) -> ChatRouterError:
    error = kind.__new__(kind, *args)
    error.args = args
    vars(error).update(fields)
    if cause is not None:
        error.__cause__ = cause
    return error


class AdapterError(ChatRouterError):
    """One provider failed.

    Args:
        message: What happened, where, and what to do next, as a sentence.
        provider: The name of the provider; the router fills it in where an adapter left it out.
        status: The HTTP status, where there was one.
        retry_after: Seconds that the provider asked us to stay away, where it did.
        request_id: The provider's own id of the request, where it gave one.
        scope: Whom this failure speaks about, where that is not what its class says.
        ambiguous: Whether it cannot be told whom it speaks about: a bare page with status 403, a 404 without
            words.
    """

    disposition: ClassVar[Disposition] = Disposition.FAILOVER
    scope: Scope = Scope.PROVIDER
    ambiguous: bool = False
    other_key: bool = False
    """Whether the failure speaks about one key of the provider, and another one may serve: the router repeats
    the attempt at once. The adapter sets it, and narrows the scope to the request."""
    keys: tuple[int, ...] = ()
    """The numbers of the provider's keys that it speaks about, from 1, where the provider has several."""
    own_account: bool = False
    """Whether it speaks about an account that the request brought along, and so about no other request but
    those that bring the same one. The router sets it."""
    own_scope: Scope | None = None
    """Where `own_account` is set: whom the failure speaks about among what that account asks for."""

    def __init__(
        self,
        message: str = "",
        *,
        provider: str | None = None,
        status: int | None = None,
        retry_after: float | None = None,
        request_id: str | None = None,
        scope: Scope | None = None,
        ambiguous: bool = False,
    ) -> None:
        super().__init__(message)
        if scope is not None:
            self.scope = scope
        if ambiguous:
            self.ambiguous = True
        self.provider = provider
        self.status = status
        self.retry_after = retry_after
        self.request_id = request_id


class ConnectFailed(AdapterError):
    """No connection: refused, reset, or the name could not be resolved for now."""

    disposition = Disposition.RETRY


class ConnectionLost(AdapterError):
    """The connection broke after it was made.

    Args:
        message: As of `AdapterError`.
        reused: True when a kept-alive connection was lost before any byte of an answer, which says nothing
            about the provider.
        provider: As of `AdapterError`.
        status: As of `AdapterError`.
        retry_after: As of `AdapterError`.
        request_id: As of `AdapterError`.
        scope: As of `AdapterError`.
        ambiguous: As of `AdapterError`.
    """

    disposition = Disposition.RETRY

    def __init__(
        self,
        message: str = "",
        *,
        reused: bool = False,
        provider: str | None = None,
        status: int | None = None,
        retry_after: float | None = None,
        request_id: str | None = None,
        scope: Scope | None = None,
        ambiguous: bool = False,
    ) -> None:
        super().__init__(
            message,
            provider=provider,
            status=status,
            retry_after=retry_after,
            request_id=request_id,
            scope=scope,
            ambiguous=ambiguous,
        )
        self.reused = reused


class ServiceFailed(AdapterError):
    """The service says that it failed: 408, 409, 425, most 5xx, or an error event."""

    disposition = Disposition.RETRY
    scope = Scope.MODEL


class RateLimited(AdapterError):
    """The service asks us to send less for now (429, or its own words for it)."""

    disposition = Disposition.RETRY
    scope = Scope.MODEL


class Busy(AdapterError):
    """All connections that this side allows to the provider are in use. No evidence about the provider."""

    disposition = Disposition.RETRY
    scope = Scope.REQUEST


class Unreachable(AdapterError):
    """The service cannot be reached as configured: no such name, connect timeout, TLS failure."""


class FirstContentTimeout(AdapterError):
    """No content came within the time that one attempt has for it. Raised by the router."""

    scope = Scope.MODEL


class Stalled(AdapterError):
    """Content stopped coming in the middle of a reply. Raised by the router."""

    scope = Scope.MODEL


class BadReply(AdapterError):
    """The answer is not what the protocol promises: a page, a redirect, broken data."""


class ReplyTooLarge(BadReply):
    """The answer is over a limit of ours; the message names the limit."""

    ambiguous = True


class EmptyReply(AdapterError):
    """The reply ended without content. Raised by the router."""

    scope = Scope.MODEL


class Truncated(AdapterError):
    """The reply ended without the proof of its end. Raised by the router."""

    scope = Scope.MODEL


class ReplyRejected(AdapterError):
    """The caller's own `validate` refused the reply, which says nothing about the provider.

    Raised by the router.
    """

    scope = Scope.REQUEST


class InvalidRequest(AdapterError):
    """The service does not take this request. Another service may."""

    scope = Scope.REQUEST


class ContextTooLong(InvalidRequest):
    """The messages are longer than the service or the model takes.

    Attributes:
        limit: The most tokens that it takes, where the service says so.
        tokens: How many tokens the service counted, where it says so.
        per_minute: Whether it is more than the account may send in a minute, so that another account may be
            served; else it is the model's limit, for whatever account.
    """

    limit: int | None = None
    tokens: int | None = None
    per_minute: bool = False


class NotWorking(AdapterError):
    """The service cannot serve us now: gone, switched off, blocked."""


class AuthenticationFailed(NotWorking):
    """Key, cookie or session is missing, wrong or expired."""

    scope = Scope.ACCOUNT


class QuotaExhausted(NotWorking):
    """What we may use of the service is used up."""

    scope = Scope.ACCOUNT


class ModelNotFound(NotWorking):
    """The service does not have the model asked for."""

    scope = Scope.MODEL


class ContentRefused(AdapterError):
    """The service refuses the content itself. By default no other provider is asked."""

    disposition = Disposition.ABORT
    scope = Scope.REQUEST


class LocalFailure(AdapterError):
    """This machine is the cause: no file descriptors, no route, no local address."""

    disposition = Disposition.ABORT
    scope = Scope.REQUEST


def speaks_of_account(error: AdapterError) -> bool:
    """Whether a failure may be another one on another account: its limit, its rights, its key."""
    if error.scope is Scope.ACCOUNT or isinstance(error, RateLimited):
        return True
    return isinstance(error, NotWorking) and type(error) is not NotWorking


def of_own_account(error: AdapterError) -> None:
    """Change `error` where it speaks about the account, which the request brought along itself."""
    if speaks_of_account(error):
        error.own_scope, error.scope, error.own_account = error.scope, Scope.REQUEST, True


_Kept = TypeVar("_Kept", bound=ChatRouterError)


def alone(error: _Kept) -> _Kept:
    """Return `error`, changed: it and the errors behind it keep no frame and no foreign exception alive.

    The frames of a traceback hold keys, prompts and what the peer sent, and so do exceptions of HTTP clients,
    which carry their request. `raise … from None` hides what was handled then; it does not let go of it.
    """
    current: BaseException | None = error
    seen: set[int] = set()
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        current.__traceback__ = current.__context__ = None
        cause = current.__cause__
        if cause is not None and not isinstance(cause, ChatRouterError):
            current.add_note(_caused_by(cause))
            current.__cause__ = cause = None
        current = cause
    return error


def _caused_by(cause: BaseException) -> str:
    return f"caused by {type(cause).__module__}.{type(cause).__qualname__}"
