#!/usr/bin/env python
"""Runs a command, such as `manage.py up`. A wrong setting is answered with one sentence and code 1, Ctrl-C with 130."""

import os
import sys
from importlib import import_module

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line


def main() -> None:
    """Load the settings first, so that a bad value is told before anything starts."""
    settings_module = os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        import_module(settings_module)
    except ImproperlyConfigured as problem:
        sys.exit(str(problem))
    try:
        execute_from_command_line(sys.argv)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
