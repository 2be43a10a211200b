"""The supervisor's process: python -m syncjobs.supervision PLAN_FD LOCK_FD. `manage.py up` turns into it.

Small on purpose: it stays in memory as long as Syncdeck runs, so it loads no Django.
"""

import os
import sys

from syncjobs.supervision.output import standard_stream
from syncjobs.supervision.plan import load_plan
from syncjobs.supervision.supervisor import Supervisor


def main() -> None:
    """Read the plan from its open file and run it; the lock is held by being open, and no child inherits it."""
    plan_descriptor, lock_descriptor = int(sys.argv[1]), int(sys.argv[2])
    os.set_inheritable(lock_descriptor, False)
    with os.fdopen(plan_descriptor, encoding="utf-8") as file:
        plan = load_plan(file.read())
    Supervisor(plan, standard_stream()).run()


if __name__ == "__main__":
    main()
