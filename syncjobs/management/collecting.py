"""Collects static files only when they changed: it takes seconds, and `up` starts often."""

import hashlib
from pathlib import Path

from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command


def collect_if_changed(static_root: Path) -> bool:
    """Collect the static files if any source is new, gone or changed since the last time; tell whether it was so."""
    mark, fingerprint = static_root / ".sources", fingerprint_sources()
    if mark.is_file() and mark.read_text(encoding="ascii") == fingerprint:
        return False
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    mark.write_text(fingerprint, encoding="ascii")
    return True


def fingerprint_sources() -> str:
    """Return a hash over path, size and time of every static file that is found."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in sorted(finder.list([]), key=lambda found: found[0]):
            status = Path(storage.path(path)).stat()
            digest.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()
