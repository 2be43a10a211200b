"""What `manage.py up` asks the supervisor to do. Travels as JSON through an open file, never on a command line."""

import json
from dataclasses import asdict, dataclass, field

Page = tuple[str, int, str, str]


@dataclass(frozen=True)
class ChildPlan:
    """One child process: its name in the log, its command, and the stage in which it is stopped (0 first).

    Lines that hold one of the `hidden` texts are not shown.
    """

    name: str
    command: list[str]
    stop_stage: int
    hidden: tuple[str, ...] = ()


@dataclass(frozen=True)
class SupervisionPlan:
    """The children in starting order, how to tell that all is ready, and what to say and run then.

    Each of `ready_pages` is (host, port, value of the Host header, path) of a page that must answer below status 500.
    """

    data_dir: str
    children: list[ChildPlan]
    environment: dict[str, str]
    ready_pages: list[Page]
    ready_lines: list[str] = field(default_factory=list)
    run_when_ready: list[list[str]] = field(default_factory=list)
    stop_seconds: float = 15.0


def dump_plan(plan: SupervisionPlan) -> str:
    """Return the plan as JSON."""
    return json.dumps(asdict(plan))


def load_plan(text: str) -> SupervisionPlan:
    """Read a plan written by dump_plan."""
    values = json.loads(text)
    pages = [(host, port, name, path) for host, port, name, path in values.pop("ready_pages")]
    children = [ChildPlan(**child) for child in values.pop("children")]
    return SupervisionPlan(**values, children=children, ready_pages=pages)
