"""The web server's entry: gunicorn loads `config.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

from config.console import send_console_to_stdout

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
send_console_to_stdout()
