"""Wakes the dispatcher early, so that nobody waits for its next poll. A lost nudge costs at most that poll."""

from __future__ import annotations

import socket

from django.conf import settings
from django.db import connection, transaction

CHANNEL = "syncdeck_dispatch"


def nudge_dispatcher() -> None:
    """Tell the dispatcher, once the present transaction is committed, that there may be something to send."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {CHANNEL}")  # part of the transaction: delivered at its commit
        return
    transaction.on_commit(_send_datagram)


def _send_datagram() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        try:
            sender.sendto(b"!", str(settings.SYNCDECK_DISPATCHER_SOCKET))
        except OSError:
            return  # no dispatcher is listening, or it has plenty of nudges waiting
