"""Starts a worker or the clock: `python -m config worker` and `python -m config beat`.

Celery's own command line does the same, and brings a shell along that takes 10 MB of each process.
"""

import sys
from argparse import ArgumentParser, Namespace

from celery.utils.nodenames import default_nodename, host_format
from django.conf import settings

from config.before_fork import leave_out_what_pages_need, touch_what_jobs_need
from config.celery import app
from syncjobs.supervision.stack import SCHEDULER, WORKER_PROCESSES


def main() -> None:
    """Do what the command line says; ends with the exit code of what ran."""
    parser = ArgumentParser(prog="python -m config", description="Start a worker or the clock, until it is stopped.")
    programs = parser.add_subparsers(metavar="worker | beat", required=True)
    worker = programs.add_parser("worker", help="work on jobs")
    queues = ",".join(settings.SYNCDECK_QUEUES)
    worker.add_argument("--queues", default=queues, help="separated by commas (default: %(default)s)")
    worker.add_argument("--concurrency", type=int, default=WORKER_PROCESSES, help="processes (default: %(default)s)")
    worker.add_argument("--hostname", default="celery@%h", help="its name; %%h is the machine's (default: %(default)s)")
    worker.set_defaults(run=run_worker)
    beat = programs.add_parser("beat", help="start what is due by the clock; run one of it")
    beat.set_defaults(run=run_beat)
    arguments = parser.parse_args()
    leave_out_what_pages_need()
    sys.exit(arguments.run(arguments))


def run_worker(arguments: Namespace) -> int:
    """Prefork processes without chatter among workers; returns the exit code."""
    worker = app.Worker(
        hostname=host_format(default_nodename(arguments.hostname)),
        queues=arguments.queues,
        concurrency=arguments.concurrency,
        pool_cls="prefork",
        loglevel="INFO",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    touch_what_jobs_need()
    worker.start()
    return int(worker.exitcode or 0)


def run_beat(_: Namespace) -> int:
    """The scheduler that reads its schedules from the database; returns the exit code."""
    app.Beat(scheduler=SCHEDULER, loglevel="INFO", quiet=True).run()
    return 0


if __name__ == "__main__":
    main()
