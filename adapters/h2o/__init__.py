"""H2o: any huggingface/chat-ui server, of five wire generations."""

from adapters.h2o.adapter import H2o

__all__ = ["H2o"]

H2o.__module__ = "adapters"
