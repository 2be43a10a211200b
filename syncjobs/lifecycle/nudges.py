"""Wakes the dispatcher early, so that nobody waits for its next poll. A lost nudge costs at most that poll."""

from __future__ import annotations

import socket
import time

from django.conf import settings
from django.db import connection, transaction

CHANNEL = "syncdeck_dispatch"
FREE_SLOT_SECONDS = 0.05
SAVES_SECONDS = 0.1  # no longer than the dispatcher waits after a round that did something
_last_free_slot = _last_save = 0.0  # of this process


def nudge_dispatcher() -> None:
    """Tell the dispatcher, once the present transaction is committed, that there may be something to send."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {CHANNEL}")  # part of the transaction: delivered at its commit
        return
    transaction.on_commit(_send_datagram)


def nudge_for_free_slot() -> None:
    """The same for what ended: of many only the first nudges, the rest is found by the poll.

    The next job most likely lies in the broker already, and whatever waits for a target or connector is quicker found
    by one look for all.
    """
    global _last_free_slot
    now = time.monotonic()
    if now - _last_free_slot >= FREE_SLOT_SECONDS:
        _last_free_slot = now
        nudge_dispatcher()


def nudge_for_inbox() -> None:
    """The same after a commit, for a save that a type watches; of many within a moment only the first nudges.

    The dispatcher then looks by itself whenever the quiet time of a document that it has seen is over.
    """
    global _last_save
    now = time.monotonic()
    if now - _last_save >= SAVES_SECONDS:
        _last_save = now
        nudge_dispatcher()


def _send_datagram() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        try:
            sender.sendto(b"!", str(settings.SYNCDECK_DISPATCHER_SOCKET))
        except OSError:
            return  # no dispatcher is listening, or it has plenty of nudges waiting
