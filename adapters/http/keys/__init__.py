"""The keys of one provider: one or several, fixed or asked for, each with what is held against it."""

from adapters.http.keys.asked import KeyUnavailable
from adapters.http.keys.keys import ApiKey, Keys, Lease, bearer, keys_of

__all__ = ["ApiKey", "KeyUnavailable", "Keys", "Lease", "bearer", "keys_of"]
