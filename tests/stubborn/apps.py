"""Registers the controller when Django starts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from django.apps import AppConfig
from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from syncjobs.controllers.base import JobHandle
    from syncjobs.models import SyncJobType


class Stubborn:
    """Listens to nobody."""

    name = "stubborn"

    def type_problems(self, job_type: SyncJobType) -> dict[str, list[str]]:
        return {}

    def execute(self, sync_job: JobHandle, source_doc: Any) -> None:
        while True:
            try:
                time.sleep(0.05)
            except BaseException:  # noqa: S112 - that is what stubborn means
                continue


class StubbornConfig(AppConfig):
    name = "tests.stubborn"
    label = "stubborn"

    def ready(self) -> None:
        import_string("syncjobs.controllers.registry.register_controller")(Stubborn())
