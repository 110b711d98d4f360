"""A Django site with Anymail, as its users set it up: a mail backend and a webhook view."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import django
from django.conf import settings

from tests.contract.clients.conftest import DOMAIN, KEY, SIGNING_KEY

if not settings.configured:
    settings.configure(
        SECRET_KEY="of-a-test",
        ALLOWED_HOSTS=["*"],
        DEFAULT_FROM_EMAIL=f"alarms@{DOMAIN}",
        EMAIL_BACKEND="anymail.backends.mailgun.EmailBackend",
        INSTALLED_APPS=["anymail"],
        MIDDLEWARE=[],
        ROOT_URLCONF=__name__,
        USE_TZ=True,
        ANYMAIL={
            "MAILGUN_API_KEY": KEY,
            "MAILGUN_SENDER_DOMAIN": DOMAIN,
            "MAILGUN_WEBHOOK_SIGNING_KEY": SIGNING_KEY,
            "DEBUG_API_REQUESTS": False,
        },
    )
    django.setup()

# Both need the settings.
from django.core.wsgi import get_wsgi_application
from django.urls import include, path

urlpatterns = [path("anymail/", include("anymail.urls"))]

WEBHOOK_PATH = "/anymail/mailgun/tracking/"


def use_mailgun_at(url: str) -> None:
    """As the documentation of Anymail has it: the version belongs to the URL."""
    settings.ANYMAIL["MAILGUN_API_URL"] = f"{url}/v3"


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - its parent's name
        """Tests are quiet."""


@contextmanager
def serving() -> Iterator[str]:
    """The site's URL, while it runs."""
    server = make_server("127.0.0.1", 0, get_wsgi_application(), _Server, _Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
