"""Who asks at a terminal, and which rows they mean by the names they type."""

from __future__ import annotations

import getpass
import os

from connectors.models import Connector
from syncjobs.models import SyncJobType


def terminal_user() -> str:
    """Who is at the terminal, by the operating system's name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in containers
        return f"user {os.getuid()}"


def find_connector(slug: str) -> Connector:
    """The connector. Raises Connector.DoesNotExist with the list of those that are."""
    found = Connector.objects.filter(slug=slug).first()
    if found is None:
        known = ", ".join(Connector.objects.order_by("slug").values_list("slug", flat=True)) or "none yet"
        raise Connector.DoesNotExist(f"There is no connector '{slug}'; there are: {known}")
    return found


def find_type(slug: str) -> SyncJobType:
    """The type. Raises SyncJobType.DoesNotExist with the list of those that are."""
    found = SyncJobType.objects.filter(slug=slug).first()
    if found is None:
        known = ", ".join(SyncJobType.objects.order_by("slug").values_list("slug", flat=True))
        others = f"; there are: {known}" if known else " nor any other; make the default ones: manage.py seed_defaults"
        raise SyncJobType.DoesNotExist(f"There is no job type '{slug}'{others}")
    return found
