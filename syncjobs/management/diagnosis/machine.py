"""The machine and the settings: Python, folders, room on the disk, keys, and Django's own checks."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core import checks

from connectors.errors import ConfigError
from connectors.secrets import first_key_id
from syncjobs.management.diagnosis.findings import Finding, Level

LEAST_FREE = 1024**3  # bytes
KEY_FILES = ("secret.key", "credentials.key")


def examine_python() -> Iterator[Finding]:
    version = f"Python {sys.version.split()[0]}"
    if (3, 11) <= sys.version_info[:2] < (3, 14):
        yield Finding("python", "ok", version)
    else:
        yield Finding("python", "warning", f"{version} was never tried", "Use Python 3.11, 3.12 or 3.13.")


def examine_folders() -> Iterator[Finding]:
    folders = {"data directory": settings.SYNCDECK_DATA_DIR, "log directory": settings.LOG_DIR}
    folders |= {f"file root {root}": root for root in settings.SYNCDECK_FILE_ROOTS}
    for name, folder in folders.items():
        if folder:
            yield from _examine_folder(name, Path(folder))


def _examine_folder(name: str, folder: Path) -> Iterator[Finding]:
    if not folder.is_dir():
        yield Finding(name, "problem", f"{folder} is not there", "Make it, or change the setting that names it.")
    elif not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield Finding(name, "problem", f"{folder} may not be written by this user", "Give it to the user of Syncdeck.")
    elif (free := shutil.disk_usage(folder).free) < LEAST_FREE:
        told = f"only {free / 1024**2:,.0f} MB are free at {folder}"
        yield Finding(name, "warning", told, "Make room; `prune --dry-run` says which jobs could go.")
    else:
        yield Finding(name, "ok", f"{folder}, {free / 1024**3:,.0f} GB free")


def examine_keys() -> Iterator[Finding]:
    """The generated keys are for their owner alone, and there is one to encrypt with."""
    try:
        yield Finding("keys", "ok", f"credentials are encrypted with the key {first_key_id()}")
    except ConfigError as error:
        yield Finding("keys", "problem", error.message, error.hint)
    for name in KEY_FILES:
        path = Path(settings.SYNCDECK_DATA_DIR) / name
        if path.is_file() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield Finding("keys", "problem", f"{path} can be read by others", f"Run: chmod 600 {path}")


def examine_settings() -> Iterator[Finding]:
    """Django's checks; those for deployment where the portal is public."""
    found = checks.run_checks(include_deployment_checks=settings.IS_PUBLIC)
    for message in found:
        level: Level = "problem" if message.is_serious() else "warning"
        yield Finding("settings", level, str(message.msg).rstrip("."), str(message.hint or f"See {message.id}."))
    if settings.DEBUG:
        yield Finding("settings", "warning", "DEBUG is on: errors show settings and code", "Set DEBUG=false.")
    if not found and not settings.DEBUG:
        yield Finding("settings", "ok", "Django's checks find nothing")
