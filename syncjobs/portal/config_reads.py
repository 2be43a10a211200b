"""A stream type's configuration and guards in words, for its page; none of what could not run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from syncjobs.guard_schemas import GUARDS_SCHEMA
from syncjobs.portal.words import number_text, plural, setting_text
from syncjobs.stream_parsing import parse_streams
from syncjobs.stream_specs import SpecProblems
from syncjobs.stream_splits import LEAST_ROWS

OPERATOR_WORDS = {
    "eq": "=",
    "ne": "is not",
    "lt": "<",
    "le": "at most",
    "gt": ">",
    "ge": "at least",
    "in": "is one of",
    "not_in": "is none of",
    "like": "is like",
    "regex": "matches",
}
GUARD_WORDS = {
    "max_delete_share": "Held if it would delete more than {share} of the target's records.",
    "max_deletes": "Held if it would delete more than {count}.",
    "max_change_share": "Held if it would change more than {share} of the target's records.",
    "max_changes": "Held if it would change more than {count}.",
    "min_source_rows": "Held if the source gives fewer than {count}.",
    "min_source_share": "Held if the source gives less than {share} of what it gave the last time.",
    "plan_days": "A plan can be applied for {days}.",
}
POLICY_WORDS = {
    "stop": "stop the run",
    "ignore": "are left out with a warning",
    "evolve": "change the target, too",
}


@dataclass(frozen=True, slots=True)
class RuleSummary:
    """How one target field comes about."""

    to: str
    origin: str
    type: str
    is_required: bool
    steps: list[str]


@dataclass(frozen=True, slots=True)
class StreamSummary:
    """One stream as a card: facts as (name, text), then the mapping; no rules means the same names."""

    source: str
    target: str
    query: str
    facts: list[tuple[str, str]]
    rules: list[RuleSummary]


def stream_summaries(config: Any) -> list[StreamSummary]:
    """A card for each stream; none where the configuration has no streams, or what is stored is none that could run."""
    try:
        parse_streams(config)
    except SpecProblems:
        return []
    return [_summary(stream) for stream in config["streams"]]


def guard_sentences(guards: Any) -> list[str]:
    """What the guards do, a sentence each, in the order of their schema."""
    if not isinstance(guards, dict):
        return []
    return [_guard(name, guards[name]) for name in [*GUARDS_SCHEMA["properties"]] if name in guards]


def condition_text(condition: dict[str, Any]) -> str:
    """{"field": "country", "op": "in", "value": ["US", "CA"]} → `country is one of "US", "CA"`."""
    name, operator, value = str(condition.get("field")), condition.get("op"), condition.get("value")
    if operator == "is_null":
        return f"{name} is {'null' if value else 'not null'}"
    told = ", ".join(map(setting_text, value)) if isinstance(value, list) else setting_text(value)
    return f"{name} {OPERATOR_WORDS.get(str(operator), operator)} {told}"


def _summary(stream: dict[str, Any]) -> StreamSummary:
    mapping = stream.get("mapping")
    rules = [_rule(rule) for rule in mapping or []]
    source, target = str(stream.get("source", "")), str(stream.get("target", ""))
    return StreamSummary(source, target, str(stream.get("query") or ""), [*_facts(stream)], rules)


def _facts(stream: dict[str, Any]) -> list[tuple[str, str]]:
    found = [
        ("Mode", str(stream.get("mode", "upsert"))),
        ("Deleted records", _deletes(stream.get("deletes") or {})),
        ("Reads", _extent(stream)),
        ("Key", ", ".join(map(str, stream.get("key") or [])) or "none: a run is one batch and cannot resume"),
        ("Only where", "; ".join(map(condition_text, stream.get("filters") or []))),
        ("Columns", ", ".join(map(str, stream.get("columns") or []))),
        ("Bad records", _rejects(stream.get("on_reject"))),
        ("Changed source columns", _policies(stream.get("schema_policy") or {})),
        ("Target table", "must be there" if stream.get("target_schema") == "expect" else ""),
        ("Batches", f"at most {number_text(stream['batch_size'])} records" if stream.get("batch_size") else ""),
        ("Ranges", _partition(stream.get("partition"))),
        ("Child jobs", _split(stream.get("split"))),
        ("Limits of a run", _limits(stream)),
    ]
    return [(name, text) for name, text in found if text]


def _extent(stream: dict[str, Any]) -> str:
    extent, cursor, window = stream.get("extent", "full"), stream.get("cursor") or {}, stream.get("window") or {}
    if extent == "incremental":
        back = cursor.get("overlap") or f"{cursor.get('overlap_seconds', 300)} s"
        return f"what is new by {cursor.get('field')}, reaching {back} back"
    if extent == "window":
        return f"the last {window.get('days')} days by {window.get('field')}"
    dates = f"; a range of dates is by {window['field']}" if window.get("field") else ""
    return ("everything" if extent == "full" else str(extent)) + dates


def _deletes(policy: dict[str, Any]) -> str:
    return f"marked in {policy.get('field')} until they come back" if policy.get("policy") == "soft" else ""


def _rejects(policy: dict[str, Any] | None) -> str:
    if policy is None or policy.get("policy", "stop") == "stop":
        return "end the job"
    share = f" or {_percent(policy['max_share'])} of what was read" if policy.get("max_share", 1) != 1 else ""
    return f"are set aside, at most {number_text(policy.get('max', 100))}{share}"


def _policies(policy: dict[str, Any]) -> str:
    names = {"dropped": "missing ones", "changed": "other types", "added": "new ones"}
    given = {words: str(policy[name]) for name, words in names.items() if name in policy}
    return "; ".join(f"{words} {POLICY_WORDS.get(policy, policy)}" for words, policy in given.items())


def _partition(partition: dict[str, Any] | None) -> str:
    if partition is None:
        return ""
    return f"by {partition.get('field')}, {number_text(partition.get('rows'))} records each"


def _split(split: dict[str, Any] | None) -> str:
    if split is None:
        return ""
    rows = number_text(split.get("rows", LEAST_ROWS))
    return f"at most {number_text(split.get('children'))}, each with its range of the key of {rows} records or more"


def _limits(stream: dict[str, Any]) -> str:
    names = {"max_rows": "records", "max_bytes": "bytes", "max_value_bytes": "bytes in one value"}
    return ", ".join(f"{number_text(stream[name])} {words}" for name, words in names.items() if stream.get(name))


def rule_summary(rule: Any) -> RuleSummary | None:
    """One rule of a mapping in words; None where it is none that could run."""
    try:
        return _rule(rule)
    except (KeyError, TypeError, AttributeError):
        return None


def _rule(rule: dict[str, Any]) -> RuleSummary:
    return RuleSummary(
        str(rule.get("to", "")),
        _origin(rule),
        str(rule.get("type", "")),
        bool(rule.get("required")),
        [_step(step) for step in rule.get("transforms", [])],
    )


def _origin(rule: dict[str, Any]) -> str:
    if "from" in rule:
        return str(rule["from"])
    if "template" in rule:
        return f"template {rule['template']}"
    if "value" in rule:
        return f"always {setting_text(rule['value'])}"
    told = [f"{setting_text(case['then'])} where {condition_text(case['when'])}" for case in rule["case"]]
    return ", ".join([*told, f"else {setting_text(rule.get('else'))}"])


def _step(step: dict[str, Any]) -> str:
    options = ", ".join(f"{name} {setting_text(value)}" for name, value in step.items() if name != "op")
    return f"{str(step.get('op')).replace('_', ' ')}{f' ({options})' if options else ''}"


def _guard(name: str, value: Any) -> str:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return f"{name}: {setting_text(value)}"
    whole = int(value)
    if name == "min_source_rows" and whole == 0:
        return "The source may be empty."
    return GUARD_WORDS[name].format(share=_percent(value), count=plural(whole, "record"), days=plural(whole, "day"))


def _percent(share: Any) -> str:
    return f"{share * 100:.4g} %" if isinstance(share, int | float) else setting_text(share)
