"""Serves static files under hashed names once they are collected, and straight from their sources before.

So a first look, a test or a bare gunicorn needs no manual step.
"""

from pathlib import Path

from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.storage import CompressedManifestStaticFilesStorage


class CollectedStaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Hashed and compressed files with a manifest, as far as they were collected."""

    def stored_name(self, name: str) -> str:
        """Return the hashed name; the plain one as long as nothing was collected."""
        return super().stored_name(name) if self.hashed_files else name


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]
    """Serves the collected files; WHITENOISE_USE_FINDERS stands in before there are any."""

    def add_files(self, root: str, prefix: str | None = None) -> None:
        """Add a directory, if it is there already."""
        if Path(root).is_dir():
            super().add_files(root, prefix)
