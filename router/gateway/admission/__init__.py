"""Who may ask the gateway, how often, and how many at once."""

from router.gateway.admission.admission import Admission, Admitted, Caller

__all__ = ["Admission", "Admitted", "Caller"]
