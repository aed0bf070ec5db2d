"""What a list of models says of contexts."""

import pytest

from adapters.openai.model_list import context_of


@pytest.mark.parametrize(
    ("entry", "size"),
    [
        ({"id": "m"}, None),
        ({"context_length": 8192}, 8192),
        ({"context_window": 131072}, 131072),
        ({"max_model_len": 4096}, 4096),
        ({"max_context_length": 32768, "loaded_context_length": 4096}, 4096),
        ({"meta": {"n_ctx": 512, "n_ctx_train": 8192}}, 512),
        ({"meta": {"n_ctx": 0, "n_ctx_train": 8192}}, 8192),
        ({"meta": None, "context_length": None}, None),
        ({"context_length": "8192", "context_window": True, "max_model_len": -1}, None),
        ({"context_length": 1 << 80}, None),
    ],
)
def test_the_context_is_read_where_a_service_says_it(entry, size):
    assert size == context_of(entry)
