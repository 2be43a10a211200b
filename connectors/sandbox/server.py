"""Starts a sandbox: as a server of its own for the command, or in a thread of this process for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from connectors.sandbox.catalog import standard_datasets
from connectors.sandbox.datasets import DatasetSpec
from connectors.sandbox.faults import Fault
from connectors.sandbox.messages import RecordedRequest
from connectors.sandbox.serving import SandboxServer
from connectors.sandbox.state import Sandbox
from connectors.sandbox.store import Store
from connectors.sandbox.tables import ChangeCounts


class RunningSandbox:
    """A sandbox that runs in this process, with its switches as methods."""

    def __init__(self, server: SandboxServer) -> None:
        self.url = server.url
        self._server = server
        self._sandbox = server.sandbox

    def stop(self) -> None:
        """Ends every connection and frees the port; the end of the block does it too."""
        self._server.stop()

    @property
    def requests(self) -> list[RecordedRequest]:
        """The data requests so far, oldest first."""
        return list(self._sandbox.requests)

    def set_faults(self, *faults: Fault) -> None:
        """Turns further switches on."""
        self._sandbox.add_faults(faults)

    def clear_faults(self) -> None:
        self._sandbox.faults.clear()

    def change_rows(self, dataset: str, rows: Iterable[Mapping[str, object]]) -> ChangeCounts:
        """Adds records, or merges values into those with the same key; None empties a field."""
        return self._sandbox.store.change(self._sandbox.store.find(dataset), rows, [])

    def delete_rows(self, dataset: str, keys: Iterable[object]) -> ChangeCounts:
        """Removes the records with these keys: a value, or an object where the key is several fields."""
        return self._sandbox.store.change(self._sandbox.store.find(dataset), [], keys)

    def switch_release(self, release: str) -> dict[str, ChangeCounts]:
        return self._sandbox.store.switch_release(release)

    def reset(self) -> dict[str, ChangeCounts]:
        return self._sandbox.store.reset()


def make_server(
    path: Path,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    datasets: Mapping[str, DatasetSpec] | None = None,
    faults: Sequence[Fault] = (),
    app_token: str | None = None,
    today: Callable[[], date] = date.today,
) -> SandboxServer:
    """A server that listens but does not serve yet; without `datasets`, of the standard ones.

    Raises SandboxError, and SodaError for a fault on a dataset that is not served.
    """
    specs = standard_datasets() if datasets is None else datasets
    sandbox = Sandbox(Store(path, specs, today), app_token)
    sandbox.add_faults(faults)
    return SandboxServer(host, port, sandbox)


@contextmanager
def running_sandbox(
    path: Path,
    *,
    datasets: Mapping[str, DatasetSpec] | None = None,
    faults: Sequence[Fault] = (),
    app_token: str | None = None,
    today: Callable[[], date] = date.today,
    port: int = 0,
) -> Iterator[RunningSandbox]:
    """Runs a sandbox over the file at `path` in a thread, on a free loopback port, until the block ends."""
    server = make_server(path, port=port, datasets=datasets, faults=faults, app_token=app_token, today=today)
    server.start()
    try:
        yield RunningSandbox(server)
    finally:
        server.stop()
