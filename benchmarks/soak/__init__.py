"""A soak: steady load on a real process over sockets, failures mixed in; nothing may grow.

    make soak-real SECONDS=1200 RATE=85      twenty minutes, 102 000 requests

`service` is the other process, `load` asks it and takes samples, `judging` says whether they are flat.
"""
