"""A web application of Django; waitress or gunicorn serves `application`. CHAT_AT says where the model is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse, StreamingHttpResponse
from django.urls import path

from adapters import OpenAICompatible
from router import SyncRouter

if TYPE_CHECKING:
    from collections.abc import Iterator

settings.configure(ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF=__name__, SECRET_KEY="of-a-test", DEBUG=False)
django.setup()
router = SyncRouter([OpenAICompatible(os.environ["CHAT_AT"], name="chat", model="m")], observers=[])


def chat(request: Any) -> StreamingHttpResponse:
    """Answer as the model does, piece by piece."""

    def pieces() -> Iterator[str]:
        for delta in router.stream([{"role": "user", "content": "Hello"}]):
            yield str(delta)

    return StreamingHttpResponse(pieces(), content_type="text/plain")


def health(request: Any) -> JsonResponse:
    """Tell how the provider is."""
    return JsonResponse({each.provider: each.state for each in router.health().providers})


urlpatterns = [path("chat", chat), path("health", health)]
application = get_wsgi_application()

if __name__ == "__main__":
    import sys

    from waitress import serve

    serve(application, host="127.0.0.1", port=int(sys.argv[1]), threads=4, _quiet=True)
