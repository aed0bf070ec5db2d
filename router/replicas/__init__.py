"""What several processes tell each other about their providers, through Redis or Valkey.

message, register, agreement    what is said, and what follows from it: pure
seat                            routers of one process that follow each other are one replica: pure
isolation                       what operators isolated, and when to say so again: pure
lease, counts                   one trial among all, and counts kept together: pure
limits, buckets, tallies        limits and budgets kept together: pure
reading, writing, scripts       what goes over the wire: pure
store                           where the store is, and the way to it
link                            the two threads that talk to the store
replicas                        what a user sets
beliefs                         what each replica believes, for those who look
"""

from router.replicas.replicas import Replicas

__all__ = ["Replicas"]
