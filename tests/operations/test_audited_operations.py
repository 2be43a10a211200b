"""No operation that changes something may forget the audit: each records, calls one that does, or says why not."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PLACE = Path(__file__).resolve().parents[2] / "syncjobs" / "operations"
WRITES = frozenset(
    [
        "save",
        "save_if_unchanged",
        "update",
        "create",
        "bulk_create",
        "update_or_create",
        "get_or_create",
        "delete",
        "move_job",
        "move_jobs",
        "create_job",
        "delete_rows",
        "request_pause",
        "request_cancel",
        "withdraw_pause",
        "append_entry",
        "reset_cursors",
        "restart",
        "bury",
        "write",
        "run_connection_test",
        "watch_connection_test",
        "requeue_due_retries",
    ]
)
"""Names of calls that change rows or files. `update` and `delete` may be a dictionary's: such functions are exempt."""
RECORDS = frozenset({"record", "record_many"})
TESTED = "a test notes what it found of the other system, and changes no setting"
INBOX = "what saves leave for the dispatcher, and its own work on that; nobody asked for anything but the save"
EXEMPT = {
    "connectors.test_connector": TESTED,
    "connectors.watch_test": TESTED,
    "controller_files.make_controller_file": "writes source code, which is under version control; needs no database",
    "editions.take_next_version": "counts an edit, which its caller records",
    "inbox.entries_of": INBOX,
    "inbox.keep_entries": INBOX,
    "inbox.prune_inbox": INBOX,
    "inbox.remove_entries": INBOX,
    "inline_runs.run_to_the_end": "runs a job that was asked for; its own retries are JobEvents",
    "job_types.pin_version": "keeps what a type is; whoever saved it has been recorded",
    "request_counts.forget_requests": "counts requests, to slow them down",
    "sample_masks.masked_columns_of": "updates a set, no row",
    "seeds.remember": "notes what was seeded; what that made has been recorded",
    "tokens.find_valid_token": "notes when a token was used last",
    "tombstones.keep_tombstone": "part of a deletion in somebody else's tables",
    "webhooks.forget_old_secrets": "the clock ends what a rotation, which was recorded, has set",
}
"""Public functions that write and record nothing themselves, each with the reason."""


class Module:
    """One file of operations: its functions, what each calls, and where names that it imports come from."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        tree = ast.parse(text)
        self.functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        self.origins: dict[str, str] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("syncjobs.operations"):
                where = (node.module or "").removeprefix("syncjobs.operations").lstrip(".")
                for alias in node.names:
                    self.origins[alias.asname or alias.name] = f"{where}.{alias.name}" if where else alias.name

    def calls(self, function: str) -> set[str]:
        """`module.function` of ours, and the bare names of all others."""
        found = set()
        for node in ast.walk(self.functions[function]):
            if isinstance(node, ast.Name):
                own = f"{self.name}.{node.id}" if node.id in self.functions else node.id
                found.add(self.origins.get(node.id, own))
            elif isinstance(node, ast.Attribute):
                owner = node.value.id if isinstance(node.value, ast.Name) else ""
                found.add(f"{self.origins[owner]}.{node.attr}" if owner in self.origins else node.attr)
        return found


def unrecorded(modules: dict[str, Module]) -> set[str]:
    """The public functions from which a write is reached, but no record."""

    def reached(start: str) -> set[str]:
        seen, waiting = {start}, [start]
        while waiting:
            module, _, function = waiting.pop().rpartition(".")
            if module in modules and function in modules[module].functions:
                new = modules[module].calls(function) - seen
                seen |= new
                waiting += new
        return seen - {start}

    found = set()
    for module in modules.values():
        for function in module.functions:
            if function.startswith("_") or module.name == "auditing":
                continue
            names = {one.rpartition(".")[2] for one in reached(f"{module.name}.{function}")}
            if names & WRITES and not names & RECORDS:
                found.add(f"{module.name}.{function}")
    return found


def ours() -> dict[str, Module]:
    return {path.stem: Module(path.stem, path.read_text(encoding="utf-8")) for path in sorted(PLACE.glob("*.py"))}


def test_every_operation_that_writes_records_or_says_why_not() -> None:
    forgotten = unrecorded(ours()) - EXEMPT.keys()
    assert not forgotten, f"these write without an audit entry: {', '.join(sorted(forgotten))}"


def test_no_exemption_outlives_its_need() -> None:
    assert EXEMPT.keys() <= unrecorded(ours())


@pytest.mark.parametrize(
    ("text", "is_forgotten"),
    [
        ("def end_it(job):\n    job.delete()", True),
        ("def _end(job):\n    job.delete()\ndef end_it(job):\n    _end(job)", True),
        (
            "from syncjobs.operations.auditing import record\ndef end_it(job):\n    record('x', job)\n    job.delete()",
            False,
        ),
        ("def end_it(job):\n    return job.title", False),
    ],
)
def test_the_guard_finds_a_function_that_forgets(text: str, is_forgotten: bool) -> None:
    assert unrecorded({"things": Module("things", text)}) == ({"things.end_it"} if is_forgotten else set())
