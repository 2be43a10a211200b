"""`make fuzz`: Schemathesis asks the API everything that its document tells of, for each role.

Each role meets the real web server on a fresh copy of the same small installation. FUZZ_EXAMPLES requests are made up
for each operation, besides those that its document's limits suggest; FUZZ_SECONDS bounds each role. Exits with 1 for a
failed check, for a role that was not asked everything, and for an operation that never did its work.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

os.environ |= {"DJANGO_SETTINGS_MODULE": "tests.fuzz.settings"}
import django

from tests.isolation import CHECKOUT, DATA_DIR

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402

from tests.benchmarks.viewers import HOST, running_web  # noqa: E402
from tests.fuzz.installation import fill, known_values, make_tokens  # noqa: E402

PROGRAM = CHECKOUT / ".fuzz-venv" / "bin" / "schemathesis"
EXAMPLES = os.environ.get("FUZZ_EXAMPLES", "100")
SECONDS = float(os.environ.get("FUZZ_SECONDS", "1800"))
CHOSEN = os.environ.get("FUZZ_ROLES", "").split()
# What a value must be is often decided by what there is and not by its form: a slug, a cursor of a page, a queue, the
# language of a type's config, the status of a job. Such a request is right by the document, and is refused.
UNFIT = "positive_data_acceptance"
CONFIG = Path(__file__).with_name("schemathesis.toml")


def main() -> int:
    tokens = make_tokens_of_installation()
    database = Path(settings.DATABASES["default"]["NAME"])
    connection.close()
    shutil.copy(database, DATA_DIR / "pristine.sqlite3")
    is_well = True
    for role, token in tokens.items():
        if CHOSEN and role not in CHOSEN:
            continue
        shutil.copy(DATA_DIR / "pristine.sqlite3", database)
        with running_web() as (port, _):
            is_well &= ask(role, token, f"http://{HOST}:{port}/api/v1/schema/?format=json")
    shutil.rmtree(DATA_DIR, ignore_errors=True)
    return 0 if is_well else 1


def make_tokens_of_installation() -> dict[str, str]:
    """Fill the database, and leave word of what is in it."""
    jobs = fill()
    tokens = make_tokens()
    (DATA_DIR / "known.json").write_text(json.dumps(known_values(jobs)), encoding="utf-8")
    return tokens


def ask(role: str, token: str, document: str) -> bool:
    """Whether the role met nothing wrong."""
    answers = DATA_DIR / f"{role}.json"
    options = [
        "--header",
        f"Authorization: Token {token}",
        "--checks",
        "all",
        "--exclude-checks",
        UNFIT,
        "--max-examples",
        EXAMPLES,
    ]
    options += ["--workers", "2", "--generation-deterministic", "--no-color"]
    environment = {"SCHEMATHESIS_HOOKS": "tests.fuzz.hooks", "FUZZ_KNOWN": str(DATA_DIR / "known.json")}
    environment |= {"FUZZ_ANSWERS": str(answers), "PYTHONPATH": str(CHECKOUT)}
    print(f"\n{role}: asked by {document}", flush=True)  # noqa: T201
    began = time.monotonic()
    asking = subprocess.Popen(
        [PROGRAM, "--config-file", CONFIG, "run", document, *options], env=os.environ | environment
    )
    try:
        code = asking.wait(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        print(f"{role} is not asked everything within {SECONDS:.0f} s; give FUZZ_SECONDS more.")  # noqa: T201
        asking.send_signal(signal.SIGINT)
        code = asking.wait(timeout=60) or 1
    unheard = tell_answers(role, json.loads(answers.read_text(encoding="utf-8")), time.monotonic() - began)
    return code == 0 and not unheard


def tell_answers(role: str, counts: dict[str, dict[str, int]], seconds: float) -> list[str]:
    """Print what was answered; returns operations that the role may use and that never did their work."""
    asked = sum(sum(found.values()) for found in counts.values())
    done = [one for one, found in counts.items() if any(status.startswith("2") for status in found)]
    refused = [one for one, found in counts.items() if one not in done and "403" in found]
    unheard = [f"{one} {found}" for one, found in counts.items() if one not in done and one not in refused]
    told = f"{role}: {asked:,} requests to {len(counts)} operations in {seconds:.0f} s; "
    print(f"{told}{len(done)} did their work, {len(refused)} are not for this role.")  # noqa: T201
    for one in unheard:
        print(f"  never did its work: {one}")  # noqa: T201
    return unheard


if __name__ == "__main__":
    sys.exit(main())
