"""Looks at the text of a custom query for what is clearly not a single reading statement. Runs nothing.

These checks are hints that come early; what really keeps a query from writing are the fences of the kinds: it is only
ever run inside `SELECT … FROM (query)`, in a transaction or by a connection that can not write, with a time limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from connectors.errors import ConfigError
from connectors.limits import LARGEST_VALUE_BYTES

LONGEST_QUERY = 50_000  # characters
BEGINNINGS = ("SELECT", "WITH", "VALUES", "TABLE")
CHANGES = {"INSERT": ("INTO", "OR"), "DELETE": ("FROM",), "MERGE": ("INTO",), "REPLACE": ("INTO",), "UPDATE": ()}
"""Words that change data where a statement may begin, and what follows them then; a name after UPDATE."""
LOCKS = ("UPDATE", "SHARE", "NO", "KEY")
FORBIDDEN_FUNCTIONS = frozenset(
    (
        *("edit", "fts3_tokenizer", "load_extension", "readfile", "writefile"),
        *("loread", "lowrite", "nextval", "setval", "set_config", "ts_rewrite", "ts_stat"),
        *("pg_cancel_backend", "pg_terminate_backend", "pg_log_backend_memory_contexts", "pg_notify"),
        *("pg_current_logfile", "pg_read_binary_file", "pg_read_file", "pg_stat_file", "pg_rotate_logfile"),
        *("pg_export_snapshot", "pg_import_system_collations", "pg_promote", "pg_reload_conf", "pg_switch_wal"),
    )
)
FORBIDDEN_BEGINNINGS = (
    *("cursor_to_xml", "database_to_xml", "query_to_xml", "schema_to_xml", "table_to_xml"),
    *("dblink", "lo_", "pg_advisory", "pg_try_advisory", "pg_backup_", "pg_start_backup", "pg_stop_backup"),
    *("pg_create_", "pg_copy_", "pg_drop_", "pg_execute_", "pg_file_", "pg_logical_", "pg_ls_", "pg_replication_"),
    *("pg_stat_reset", "pg_wal_replay_"),
)
"""Functions that reach files, other servers or other sessions, or that run SQL out of a text."""

TOKENS = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*)
    |(?P<comment>/\*.*?\*/)
    |(?P<string>[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|(?P<tag>\$(?:[^\W\d]\w*)?\$).*?(?P=tag))
    |(?P<name>"(?:[^"]|"")*"|`(?:[^`]|``)*`)
    |(?P<open>/\*|'|"|`|\$(?:[^\W\d]\w*)?\$)
    |(?P<parameter>\$\d+)
    |(?P<word>[^\W\d][\w$]*)
    |(?P<number>\d[\w.]*)
    |(?P<symbol>.)
    """,
    re.VERBOSE | re.DOTALL,
)
Tokens = Sequence[tuple[str, str]]
UNCLOSED = {
    "/*": "a comment",
    "'": "a text in single quotes",
    '"': "a name in double quotes",
    "`": "a name in backticks",
}


@dataclass(frozen=True, slots=True)
class CustomQuery:
    """A query to be read like a table. `key` are those of its columns that tell records apart: it is paged by them.

    No value is read that is larger than `largest_value` bytes.
    """

    text: str
    key: tuple[str, ...] = ()
    largest_value: int = LARGEST_VALUE_BYTES


def query_problems(text: str) -> list[str]:
    """What is clearly wrong with a custom query, one sentence each, in lower case; none if it may be tried."""
    if not text.strip():
        return ["the query is empty; write a SELECT statement, or leave query out to read a table"]
    if len(text) > LONGEST_QUERY:
        return [f"the query is longer than {LONGEST_QUERY:,} characters; make it a view of the source and read that"]
    if re.search("\0|\r(?!\n)", text):
        return ["the query has a NUL character or half a line's end in it, which databases read in different ways"]
    tokens: list[tuple[str, str]] = []
    for found in TOKENS.finditer(text):
        kind = "string" if found.lastgroup == "tag" else str(found.lastgroup)
        if kind == "open":
            return [f"{UNCLOSED.get(found.group(), 'a text in dollar quotes')} is not closed"]
        tokens.append((kind, found.group()))
    return list(dict.fromkeys([*_comment_problems(tokens), *_statement_problems(_meaningful(tokens))]))


def checked_query(text: str) -> str:
    """The query as it is put into statements: without the semicolon at its end. Raises ConfigError `query_refused`."""
    if problems := query_problems(text):
        raise query_refused(problems[0])
    ends = [found.start() for found in TOKENS.finditer(text) if found.group() == ";"]
    return text[: ends[0]] if ends else text


def query_refused(reason: str) -> ConfigError:
    """A query that is not run, or not to its end, because of what it asks for."""
    return ConfigError(
        "query_refused",
        f"the custom query is refused: {reason}",
        hint="A query is one SELECT that only reads; correct it in the job type.",
    )


def _meaningful(tokens: Tokens) -> Tokens:
    return [(kind, value) for kind, value in tokens if kind not in ("space", "comment")]


def _comment_problems(tokens: Tokens) -> Iterator[str]:
    for kind, value in tokens:
        if kind == "comment" and value.startswith(("/*!", "/*+")):
            yield "comments that a database would run (/*! … */) are not allowed"
        elif kind == "comment" and "/*" in value[2:]:
            yield "a comment inside a comment is not allowed, since databases read it in different ways"


def _statement_problems(tokens: Tokens) -> Iterator[str]:
    words = [value.upper() if kind == "word" else value for kind, value in tokens]
    if ";" in (value for value in words[:-1]):
        yield "only one statement is allowed"
    begin = next((word for word in words if word != "("), "")
    if begin not in BEGINNINGS:
        yield f"it must begin with SELECT, WITH, VALUES or TABLE, not with {begin[:40] or 'nothing'}"
    yield from _bracket_problems(words)
    for at, (kind, value) in enumerate(tokens):
        after = words[at + 1] if at + 1 < len(words) else ""
        if kind == "parameter":
            yield f"parameters such as {value} are not allowed; write the value, or use filters"
        elif kind == "word":
            yield from _word_problems(words[at - 1] if at else "", words[at], after)
        if kind in ("word", "name") and after == "(" and is_forbidden(value):
            yield f"the function {value[:60]} is not allowed"
        if words[at : at + 2] == ["U", "&"] and at + 2 < len(tokens) and tokens[at + 2][0] in ("string", "name"):
            yield 'texts and names in the form U&"…" are not allowed; write the characters themselves'


def _bracket_problems(words: Sequence[str]) -> Iterator[str]:
    depth = 0
    for word in words:
        depth += (word == "(") - (word == ")")
        if depth < 0:
            break
    if depth:
        yield "its brackets do not match"


def _word_problems(before: str, word: str, after: str) -> Iterator[str]:
    is_name = after[:1].isalpha() or after[:1] in ('"', "_")
    if word in CHANGES and before in ("", "(", ")", ";") and (after in CHANGES[word] or (word == "UPDATE" and is_name)):
        yield f"it may not change data ({word})"
    if word == "INTO":
        yield "it may not create a table (INTO)"
    if word == "FOR" and after in LOCKS:
        yield "it may not lock rows (FOR UPDATE, FOR SHARE)"


def is_forbidden(name: str) -> bool:
    """Whether a function reaches beyond what a query may read."""
    plain = name.strip('"`').lower()
    return plain in FORBIDDEN_FUNCTIONS or plain.startswith(FORBIDDEN_BEGINNINGS)
