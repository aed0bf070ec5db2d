"""What the gateway costs: `make bench-gateway`. Upstream, gateway and load are processes of their own.

    added     a stream of one delta, one after the other on a kept connection: over the raw upstream, over the
              same router called in this process, and over the gateway, in turns
    100       100 streams at once, 50 deltas each, 10 ms apart
    1000      1000 of them, with the peak of the gateway's memory

LiteLLM's proxy stands beside it where `make servers` has set it up.
"""
