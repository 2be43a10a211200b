"""Settings by which mypy knows the models of the example and the benchmark app, too. Nothing runs with them."""

import os

os.environ["SYNCDECK_APPS"] = "tests.acme,tests.benchmarks.ledger"

from config.settings import *  # noqa: F403
