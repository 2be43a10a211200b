"""What the form of a stream has besides its fields: long parts folded away, and the source's own fields."""

from __future__ import annotations

import json
from typing import Any

from syncjobs.mapping.spec import FIELD_RULE_SCHEMA
from syncjobs.portal.config_reads import rule_summary
from syncjobs.portal.schema_forms.nodes import Node
from syncjobs.portal.schema_forms.notations import ABSENT
from syncjobs.portal.schema_forms.texts import AS_JSON, CLOSED, Tree, read

FIELDS = "_fields"
"""The source's fields that were read for a stream, as JSON: they are remembered until the form is left."""
LIMITS = ("batch_size", "partition", "split", "max_rows", "max_bytes", "max_value_bytes", "range")
MOST_OPEN_STREAMS, MOST_OPEN_RULES = 3, 40


def source_fields(stream: Tree) -> list[tuple[str, str]]:
    """(name, type) of the source's fields that were read for a stream; none where nothing was."""
    try:
        found = json.loads(stream.get(FIELDS, "") or "[]")
        return [(str(name), str(type_)) for name, type_ in found]
    except (AttributeError, TypeError, ValueError):
        return []


def fold_streams(tree: Tree, config: Any) -> None:
    """Fold away what would make the form too long: streams, else their mappings."""
    streams = config.get("streams", [])
    if len(streams) > MOST_OPEN_STREAMS:
        tree["streams"] = [{CLOSED: json.dumps(stream, ensure_ascii=False)} for stream in streams]
        return
    mapped = [stream for stream in streams if isinstance(stream, dict) and isinstance(stream.get("mapping"), list)]
    if sum(len(stream["mapping"]) for stream in mapped) > MOST_OPEN_RULES and len(streams) > 1:
        for stream, part in zip(streams, tree["streams"], strict=True):
            if stream in mapped and AS_JSON not in part:
                part["mapping"] = {CLOSED: json.dumps(stream["mapping"], ensure_ascii=False)}
        return
    for part in tree["streams"]:
        fold_rules(part)


def fold_rules(stream: Tree) -> None:
    """Fold away each rule of a long mapping."""
    rules = stream.get("mapping") if isinstance(stream, dict) else None
    if not isinstance(rules, list) or len(rules) <= MOST_OPEN_RULES:
        return
    values = [read(FIELD_RULE_SCHEMA, rule) for rule in rules]
    stream["mapping"] = [{CLOSED: json.dumps({} if value is ABSENT else value)} for value in values]


def taken_field(rule: Tree) -> str:
    """The source's field that a rule takes as it is."""
    value = _closed_value(rule[CLOSED]) if CLOSED in rule else rule
    return str(value.get("from", "")) if isinstance(value, dict) else ""


def decorate_stream(node: Node, number: int, tree: Tree) -> None:
    """What the templates show of a stream besides its fields."""
    fields = source_fields(tree)
    node.extra |= {"number": number, "source_fields": fields, "fields_json": json.dumps(fields) if fields else ""}
    if node.is_closed:
        node.extra["stream"] = _closed_value(node.text)
    types = dict(fields)
    used = set()
    for part in node.walk():
        if part.name.endswith((".field", ".from")):
            part.suggestions = f"{node.id}-fields"
            part.extra["type"] = types.get(part.text, "")
            used.update([part.text] if part.name.startswith(f"{node.name}.mapping") else [])
    for rule in node.fields["mapping"].rows if "mapping" in node.fields else ():
        if rule.is_closed:
            rule.extra["rule"] = rule_summary(_closed_value(rule.text))
            used.add(taken_field({CLOSED: rule.text}))
    if "mapping" in node.fields and node.fields["mapping"].is_closed:
        mapping = _closed_value(node.fields["mapping"].text)
        node.fields["mapping"].extra["count"] = len(mapping) if isinstance(mapping, list) else 0
    node.extra["has_limits"] = any(_is_set(node.fields[name]) for name in LIMITS if name in node.fields)
    if "range" in node.fields and not _is_set(node.fields["range"]):
        del node.fields["range"]  # of one run only, so not offered
    node.extra["unused_fields"] = [(name, type_) for name, type_ in fields if name not in used]


def _is_set(node: Node) -> bool:
    return any(part.text or part.problems for part in node.walk())


def _closed_value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return {}
