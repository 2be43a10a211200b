"""What a request may carry: JSON, or the fields of a form. Sends nothing."""

from __future__ import annotations

from typing import Any


class Form(dict[str, str]):
    """Fields that are sent as an HTML form is."""


def body_of(question: Any) -> dict[str, Any]:
    """The arguments by which requests sends it."""
    return {"data": question} if isinstance(question, Form) else {"json": question}
