"""How SODA 3 is asked what SODA 2 is asked by parameters: one statement, in a body that is posted. Sends nothing.

Protocol: https://dev.socrata.com/docs/queries and /docs/queries/page
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CLAUSES = {"$select": "SELECT", "$where": "WHERE", "$order": "ORDER BY"}


def question_of(parameters: Mapping[str, str]) -> dict[str, Any]:
    """The body. Pages are counted by numbers there, and slower the further on: only ever the first is asked for."""
    clauses = {"$select": "*", **parameters}
    statement = " ".join(f"{word} {clauses[name]}" for name, word in CLAUSES.items() if name in clauses)
    question: dict[str, Any] = {"query": statement, "includeSynthetic": False}
    if "$limit" in clauses:
        question["page"] = {"pageNumber": 1, "pageSize": int(clauses["$limit"])}
    return question
