"""Settings by which mypy knows the models of the example app, too. Nothing runs with them."""

import os

os.environ["SYNCDECK_APPS"] = "tests.acme"

from config.settings import *  # noqa: F403
