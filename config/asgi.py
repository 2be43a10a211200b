"""The entry for an asynchronous web server."""

import os

from django.core.asgi import get_asgi_application

from config.console import send_console_to_stdout

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_asgi_application()
send_console_to_stdout()
