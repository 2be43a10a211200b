"""What is needed to make a target table: its declaration, and refusing names and keys that it cannot have."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.base import WriteRequest
from connectors.errors import ConfigError
from connectors.sql_text import SQLText, Table, joined, quote, sql


def create_table(table: Table, types: Sequence[SQLText]) -> SQLText:
    """A table with the columns' nullability and the key as primary key, which is never empty."""
    lines = [
        sql(
            "{name} {type}{empty}",
            name=column.sql,
            type=declared,
            empty=sql("") if column.field.nullable and column.name not in table.key else sql(" NOT NULL"),
        )
        for column, declared in zip(table.columns, types, strict=True)
    ]
    if table.key:
        lines.append(sql("PRIMARY KEY ({key})", key=joined(quote(name) for name in table.key)))
    return sql("CREATE TABLE {table} ({lines})", table=table.sql, lines=joined(lines))


def refuse_unusable_names(table: Table, longest: int = 0) -> None:
    """Raise ConfigError `bad_identifier` for names that the target cannot hold, e.g. over `longest` bytes (if > 0)."""
    for name in (table.name, *table.names):
        if not name or "\0" in name or (longest and len(name.encode("utf-8", "surrogatepass")) > longest):
            limit = f"; at most {longest} bytes fit" if longest else ""
            raise ConfigError(
                "bad_identifier",
                f"{table.name[:80]}: the name {name[:80]!r} cannot be used in the target{limit}",
                hint="Give the table or field another name in the mapping.",
            )


def refuse_unusable_key(request: WriteRequest) -> None:
    """Raise ConfigError `bad_key` for a key that no record of the request could have."""
    names = [field.name for field in request.fields]
    missing = [name for name in request.key if name not in names]
    if missing:
        reason = f"the key field {', '.join(missing)} is not among the mapped fields ({', '.join(names)})"
    elif len(set(names)) < len(names):
        reason = "a field is mapped twice"
    elif not request.key and request.mode != "append":
        reason = f"mode {request.mode} needs a key"
    else:
        return
    raise ConfigError("bad_key", f"{request.stream}: {reason}", hint="Correct the key or the mapping of the stream.")
