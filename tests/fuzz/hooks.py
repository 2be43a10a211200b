"""What Schemathesis loads into its own process: the things there are, told by enums, and a count of the answers."""

from __future__ import annotations

import atexit
import itertools
import json
import os
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import schemathesis  # type: ignore[import-not-found]  # of an environment of its own

KNOWN: dict[str, Any] = json.loads(Path(os.environ["FUZZ_KNOWN"]).read_text(encoding="utf-8"))
ANSWERS = Path(os.environ["FUZZ_ANSWERS"])
NAMED_IN_BODIES = {
    "job_type": "job-types/slug",
    "from_type": "job-types/slug",
    "to_type": "job-types/slug",
    "source_connector": "connectors/slug",
    "target_connector": "connectors/slug",
}
_counts: defaultdict[str, Counter[int]] = defaultdict(Counter)


_numbers = itertools.count(1)


@schemathesis.hook  # type: ignore[untyped-decorator]
def before_load_schema(_context: Any, document: dict[str, Any]) -> None:
    """Let what names things name those there are; random names would only ever be answered 404."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            known = KNOWN["examples"].get(f"{method.upper()} {path}", {})
            for parameter in operation.get("parameters", ()):
                _name_known(path, method, parameter, known)
            if "body" in known:
                operation["requestBody"]["content"]["application/json"]["example"] = known["body"]
    for name, schema in document["components"]["schemas"].items():
        if name.endswith("Request"):
            for field in NAMED_IN_BODIES.keys() & schema.get("properties", {}).keys():
                schema["properties"][field] = {"type": "string", "enum": KNOWN[NAMED_IN_BODIES[field]]}


def _name_known(path: str, method: str, parameter: dict[str, Any], known: dict[str, Any]) -> None:
    examples = {"If-Match": "*"} | known
    if parameter["name"] in examples:
        parameter["example"] = examples[parameter["name"]]
    if parameter["in"] != "path":
        return
    folders = path.split("/")
    folder = folders[folders.index(f"{{{parameter['name']}}}") - 1]
    there = KNOWN[f"{folder}/{parameter['name']}"]
    if method == "delete":
        there = there[len(there) // 2 :]  # so that the others can still be asked for
    parameter["schema"] = {"type": parameter["schema"]["type"], "enum": there}
    parameter.setdefault("example", there[0])


@schemathesis.hook  # type: ignore[untyped-decorator]
def before_call(_context: Any, case: Any, _kwargs: dict[str, Any]) -> None:
    """A key for each request, or the first would have taken it; and half of the edits are of whatever there is."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    number = next(_numbers)
    if "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = f"{number} {case.headers['Idempotency-Key']}"[:255].strip()
    if "If-Match" in case.headers and number % 2:
        case.headers["If-Match"] = "*"


@schemathesis.hook  # type: ignore[untyped-decorator]
def after_call(_context: Any, case: Any, response: Any) -> None:
    if case.method.upper() == case.operation.method.upper():  # and not another one that it must refuse
        _counts[f"{case.operation.method.upper()} {case.operation.path}"][response.status_code] += 1


@schemathesis.hook  # type: ignore[untyped-decorator]
def filter_failure(_context: Any, failure: Any, case: Any, _response: Any) -> bool:
    """A path that names none of the things known at the beginning is wrong only by our enums: it may be made since."""
    if type(failure).__name__ != "AcceptedNegativeData" or case.meta is None:
        return True
    wrong = {str(place.value) for place, found in case.meta.components.items() if found.mode.is_negative}
    return wrong != {"path"}


@atexit.register
def _write_counts() -> None:
    ANSWERS.write_text(json.dumps(_counts), encoding="utf-8")
