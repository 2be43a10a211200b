"""A controller that somebody wrote for an app: checks its hooks and the types that use it, and runs it in its mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.errors import ConfigError
from connectors.models import Connector
from connectors.validation import schema_problems
from syncjobs.controllers.base import JobHandle, Outcome
from syncjobs.controllers.bypass import run_bypass
from syncjobs.controllers.hooks import hook_problems, is_bypass, likely_misspellings
from syncjobs.controllers.standard import sync_document
from syncjobs.documents.django_models import find_model
from syncjobs.models import SyncJobType


class CodeController:
    """A module or class of `sync_controllers`. `make` gives the module, or a fresh instance for each attempt."""

    def __init__(self, name: str, path: str, make: Callable[[], Any] | None, problems: tuple[str, ...] = ()) -> None:
        self.name = name
        self.path = path
        self.problems = list(problems)
        self.warnings: list[str] = []
        self.config_schema: dict[str, Any] | None = None
        self.masked_fields: frozenset[str] = frozenset()
        self.is_bypass = False
        self._make = make

    @classmethod
    def from_code(cls, name: str, path: str, make: Callable[[], Any]) -> CodeController:
        """A controller of whatever `make` gives, with what is wrong with it."""
        try:
            code = make()
        except Exception as error:  # the author's __init__; the portal has to start all the same
            return cls(name, path, None, (f"It cannot be made: {type(error).__name__}: {error}.",))
        controller = cls(name, path, make, tuple(hook_problems(code)))
        if not controller.problems:
            controller.warnings = likely_misspellings(code)
            controller.config_schema = getattr(code, "config_schema", None)
            controller.masked_fields = frozenset(getattr(code, "masked_fields", ()))
            controller.is_bypass = is_bypass(code)
        return controller

    def refuse(self, problem: str) -> None:
        """Note a problem found later; the controller cannot be used then."""
        self.problems.append(problem)

    def type_problems(self, job_type: SyncJobType) -> dict[str, list[str]]:
        found = {
            "controller": list(self.problems),
            "source_document_type": _document_type_problems(job_type.source_document_type),
            "target_document_type": _document_type_problems(job_type.target_document_type),
            "config": self._config_problems(job_type.config),
        }
        return {field: sentences for field, sentences in found.items() if sentences}

    def make(self) -> Any:
        """The module, or a fresh instance. ConfigError `controller_broken` for a file that cannot be used."""
        if self.problems or self._make is None:
            raise ConfigError(
                "controller_broken",
                f"the controller {self.path} cannot be used: {' '.join(self.problems)}",
                hint="Mend the file, restart the workers (manage.py check shows the same), then retry.",
            )
        return self._make()

    def execute(self, sync_job: JobHandle, source_doc: Any) -> Outcome:
        """Run one attempt. Raises what the author's code does, and ConfigError as `make`."""
        code = self.make()
        if is_bypass(code):
            return run_bypass(code, sync_job, source_doc)
        return sync_document(code, sync_job, source_doc)

    def _config_problems(self, config: Any) -> list[str]:
        if not isinstance(config, dict):
            return ["config must be an object."]
        own = {name: value for name, value in config.items() if name != "masked_fields"}
        problems = [] if self.config_schema is None else schema_problems(self.config_schema, own, "config")
        masked = config.get("masked_fields", [])
        if not isinstance(masked, list) or not all(isinstance(name, str) for name in masked):
            problems.append("config.masked_fields: must be a list of field names")
        return problems


def _document_type_problems(document_type: str) -> list[str]:
    """Whether there is such a model or connector; that its stream is there, only its system could say."""
    if not document_type:
        return []
    slug, slash, stream = document_type.partition("/")
    if slash:
        if not Connector.objects.filter(slug=slug).exists():
            return [f"There is no connector '{slug}'."]
        return [] if stream else [f"Name the stream, too: {slug}/<stream>."]
    try:
        find_model(document_type)
    except ConfigError as error:
        return [f"{error.message[0].upper()}{error.message[1:]}. {error.hint}"]
    return []
