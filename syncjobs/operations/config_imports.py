"""Takes the document of `config_shapes`: makes and changes what it describes, all or none.

Nothing is ever deleted by an import, and what the document does not mention stays as it is. Bringing the same document
in again changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction

from connectors.redaction import MASK
from syncjobs.mapping import ConfigProblems
from syncjobs.operations.auditing import record
from syncjobs.operations.config_entries import Imported, import_connector, import_job_type, import_schedule
from syncjobs.operations.config_shapes import FORMAT
from syncjobs.operations.config_triggers import import_chain, import_webhook

SECTIONS = {
    "connectors": ("connector", "slug"),
    "job_types": ("job type", "slug"),
    "schedules": ("schedule", "name"),
    "webhooks": ("webhook", "name"),
    "chains": ("chain from", "from_type"),
}
"""In the order in which one needs the other: what an entry is called, and by which field it is known."""


def import_configuration(
    document: Any, *, actor: str, user: User | None = None, dry_run: bool = False
) -> list[Imported]:
    """Bring the configuration in line with the document; a dry run checks everything and keeps nothing.

    `user` is the person whose rights count, as for save_job_type. Raises ConfigProblems with a sentence for each wrong
    entry; then nothing was changed.
    """
    _check(document)
    bringers: dict[str, Callable[[dict[str, Any]], Imported]] = {
        "connectors": import_connector,
        "job_types": lambda shape: import_job_type(shape, actor=actor, user=user),
        "schedules": lambda shape: import_schedule(shape, actor=actor),
        "webhooks": lambda shape: import_webhook(shape, actor=actor),
        "chains": lambda shape: import_chain(shape, actor=actor),
    }
    found: list[Imported] = []
    problems: list[str] = []
    with transaction.atomic():
        for section, (kind, identity) in SECTIONS.items():
            for number, shape in enumerate(document.get(section) or [], 1):
                if not isinstance(shape, dict) or not isinstance(shape.get(identity), str):
                    problems.append(f"{section}, entry {number}: must be an object with a {identity}")
                    continue
                try:
                    with transaction.atomic():
                        found.append(bringers[section](shape))
                except ValidationError as problem:
                    problems.extend(f"{kind} {shape[identity][:100]}: {text}" for text in _sentences(problem))
        if problems:
            raise ConfigProblems(problems)
        if changed := {f"{one.kind} {one.name}": one.outcome for one in found if one.outcome != "unchanged"}:
            record("config.import", None, after=changed, actor=actor)
        transaction.set_rollback(dry_run)
    return found


def _check(document: Any) -> None:
    if not isinstance(document, dict) or document.get("syncdeck") != FORMAT:
        raise ConfigProblems([f"the document must be an object that begins with 'syncdeck: {FORMAT}'"])
    if unknown := sorted(str(name)[:60] for name in document.keys() - {"syncdeck", *SECTIONS}):
        raise ConfigProblems([f"{', '.join(unknown)}: not known; there are {', '.join(SECTIONS)}"])
    if wrong := [name for name in SECTIONS if not isinstance(document.get(name) or [], list)]:
        raise ConfigProblems([f"{name}: must be a list" for name in wrong])
    if masked := [path for path, text in _texts(document, ()) if text == MASK]:
        raise ConfigProblems([f"{path}: was masked when it was written; put the value back" for path in masked])


def _texts(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    items = value.items() if isinstance(value, dict) else enumerate(value, 1) if isinstance(value, list) else ()
    for name, item in items:
        yield from _texts(item, (*path, str(name)))
    if isinstance(value, str):
        yield ".".join(path), value


def _sentences(problem: ValidationError) -> Iterator[str]:
    """Each message with its field before it, unless it says so itself."""
    if not hasattr(problem, "error_dict"):
        yield from problem.messages
        return
    for name, messages in problem.message_dict.items():
        for message in messages:
            is_named = name == "__all__" or message.startswith((f"{name}:", f"{name}."))
            yield message if is_named else f"{name}: {message}"
