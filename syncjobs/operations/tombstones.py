"""Keeps what a deleted document was, for the types that want it."""

from __future__ import annotations

from django.db import models

from syncjobs.clock import db_now
from syncjobs.controllers.masking import masked_fields
from syncjobs.documents.tombstones import bury
from syncjobs.models import SyncJobType


def keep_tombstone(document: models.Model) -> bool:
    """Bury a document that is being deleted if a type wants tombstones of its kind; whether one does.

    Part of the deletion's transaction: with it the tombstone stays or goes.
    """
    wanting = SyncJobType.objects.filter(keep_tombstones=True, source_document_type__iexact=document._meta.label)
    masked = [masked_fields(job_type.controller, job_type.config) for job_type in wanting]
    if masked:
        bury(document, frozenset().union(*masked), db_now())
    return bool(masked)
