"""What a worker does before it forks, so that its processes share it. What goes wrong here is left to jobs to tell."""

import gc
from contextlib import suppress

from django.db import DatabaseError, connection
from django.utils.log import DEFAULT_LOGGING
from timezone_field.backends.zoneinfo import ZoneInfoBackend

from connectors.errors import ConfigError
from connectors.registry import connector_class
from connectors.secrets import decrypt, encrypt
from syncjobs.free_memory import return_free_memory


def leave_out_what_pages_need() -> None:
    """Before Django sets itself up: 3 MB of each process, of which none shows a page or a form."""
    ZoneInfoBackend.base_tzstrs = {"UTC"}  # else the choices of a field are all time zones, loaded
    for part in ("handlers", "loggers"):  # ours replace them; a handler would load the page that shows an exception
        DEFAULT_LOGGING[part].clear()


def touch_what_jobs_need() -> None:
    """Libraries set themselves up when first used: 4 MB that each process would otherwise take for itself."""
    with suppress(ConfigError):
        decrypt(encrypt("any", "worker"), "worker")
    with suppress(DatabaseError):
        connection.ensure_connection()
    connection.close()
    if connection.vendor == "postgresql":
        connector_class("postgres")  # its driver is loaded already
    gc.collect()
    gc.freeze()  # else the first collection in each process would copy the 30 MB that it looks at
    return_free_memory()  # modules that were compiled when they were imported leave up to 15 MB behind
