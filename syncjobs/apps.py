"""The Django application of syncjobs, and the root that wires what layers may not know of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core import checks
from django.db.models.signals import post_migrate
from django.utils.module_loading import import_string

from syncjobs.free_memory import keep_large_values_apart

if TYPE_CHECKING:
    from syncjobs.models import SyncJob, SyncJobType


class SyncJobsConfig(AppConfig):
    """Names the application; its label stays `syncjobs`."""

    name = "syncjobs"
    label = "syncjobs"
    verbose_name = "Syncs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Models can be imported only now, hence by name."""
        keep_large_values_apart()
        register_controller = import_string("syncjobs.controllers.registry.register_controller")
        register_controller(import_string("syncjobs.controllers.stream_sync.StreamSync")())
        import_string("syncjobs.controllers.discovery.discover_controllers")()
        checks.register(import_string("syncjobs.controllers.checks.check_controllers"))
        import_string("syncjobs.triggers.tombstones.watch_deletions")()
        import_string("syncjobs.triggers.document_hooks.watch_documents")()
        post_migrate.connect(import_string("syncjobs.models.append_only.protect_audit"), sender=self)
        user_logged_in.connect(import_string("syncjobs.operations.accounts.note_login"))
        user_logged_out.connect(import_string("syncjobs.operations.accounts.note_logout"))
        user_login_failed.connect(import_string("syncjobs.operations.accounts.note_failed_login"))
        job_type: type[SyncJobType] = import_string("syncjobs.models.SyncJobType")
        job_type.config_checks.append(import_string("syncjobs.operations.job_types.config_problems"))
        job_type.config_checks.append(import_string("syncjobs.operations.watched_models.watch_problems"))
        job: type[SyncJob] = import_string("syncjobs.models.SyncJob")
        job.runner = staticmethod(import_string("syncjobs.operations.inline_runs.execute_here"))
