"""A storm: clients by the hundred, upstreams that fail at random, clients that leave. Each request must end.

    python -m benchmarks.gateway.storm --clients 2000 --seconds 60
    python -m benchmarks.gateway.storm --clients 60 --seconds 3600     # an hour: memory each minute
    python -m benchmarks.gateway.storm --clients 2000 --seconds 120 --replicas 3 --kill

Upstreams and gateways are processes of their own. With `--replicas` several gateways share a store, a real
redis-server on loopback. With `--kill` one of them is killed under load and started again, later the store.

    answers     what an answer is: whole, interrupted, an error, cut by a kill, or wrong
    clients     the clients, and what they met
    members     the gateways and the store, which may be killed
    serving     what runs in the processes: upstreams, a gateway
    course      one storm from beginning to end, and what it found
"""
