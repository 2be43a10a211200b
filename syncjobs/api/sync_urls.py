"""The addresses `sync/…`, each with and without a slash at its end."""

from __future__ import annotations

from django.urls import path

from syncjobs.api import sync_views
from syncjobs.api.missing import MissingView

VIEWS = {
    "trigger": sync_views.SyncTrigger,
    "status": sync_views.SyncStatus,
    "endpoints": sync_views.SyncEndpoints,
    "counts": sync_views.SyncCounts,
    "test": sync_views.SyncTest,
}
described = [path(f"{name}/", view.as_view()) for name, view in VIEWS.items()]
bare = [path(name, view.as_view(schema=None)) for name, view in VIEWS.items()]
familiar = [path(f"{name}/", view.as_view(schema=None)) for name, view in VIEWS.items()]
missing = path("<path:rest>", MissingView.as_view())
