"""Writes SoQL, Socrata's query language, from structured requests, and knows its types. Sends nothing.

Language and types: https://dev.socrata.com/docs/queries/ and https://dev.socrata.com/docs/datatypes/
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable
from typing import Any
from zoneinfo import ZoneInfo

from connectors.errors import ConfigError, DataError
from connectors.records import Field, FieldType, Filter, decode_value

# Names of the metadata (dataTypeName) and of the header X-SODA2-Types side by side.
FIELD_TYPES: dict[str, FieldType] = {
    "number": "decimal",
    "double": "decimal",
    "money": "decimal",
    "percent": "decimal",
    "stars": "decimal",
    "calendar_date": "datetime",
    "floating_timestamp": "datetime",
    "date": "datetime",
    "fixed_timestamp": "datetime",
    "checkbox": "boolean",
    "boolean": "boolean",
    **dict.fromkeys(("location", "point", "multipoint", "line", "multiline", "polygon", "multipolygon"), "json"),
    **dict.fromkeys(("url", "phone", "document", "json", "object"), "json"),
}
FLOATING_TYPES = frozenset({"calendar_date", "floating_timestamp"})
COMPARISONS = {"eq": "=", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
PLAIN_NAME = re.compile(r":?[A-Za-z_][A-Za-z0-9_]*")
MOST_FILTER_VALUES = 500  # a query travels in the URL, which servers cut off at 8 to 16 kB
LENGTHS_WITHOUT_ZONE = (19, 23)  # 2026-11-23T02:30:00 and the same with .000


def field_type(soda_type: str) -> FieldType:
    """Our type of a Socrata type; what is not known is carried as text."""
    return FIELD_TYPES.get(soda_type, "text")


def quote_text(text: str) -> str:
    """A SoQL text literal."""
    return "'" + text.replace("'", "''") + "'"


def quote_name(name: str) -> str:
    """A column as SoQL names it. Raises DataError for a name that cannot be written."""
    if PLAIN_NAME.fullmatch(name):
        return name
    if "`" in name or not name.isprintable():
        raise DataError("column_mismatch", f"the column name {name[:100]!r} cannot be used in a query")
    return f"`{name}`"


class FloatingTimes:
    """Gives times without a zone the zone of the source, and takes it away again for its queries."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self._suffixes = _Suffixes(zone)

    def localize(self, values: Iterable[Any]) -> list[Any]:
        """ISO texts with the offset their zone had then; anything else as it is, for the mapping to judge."""
        suffixes, lengths, exactly = self._suffixes, LENGTHS_WITHOUT_ZONE, self._localize_exactly
        return [
            value + suffix
            if isinstance(value, str) and len(value) in lengths and (suffix := suffixes[value[:10]])
            else exactly(value)
            for value in values
        ]

    def floating(self, moment: dt.datetime) -> dt.datetime:
        """The clock on the wall there at an aware moment; a naive one is taken to be that already."""
        return moment.astimezone(self.zone).replace(tzinfo=None) if moment.tzinfo else moment

    def earliest(self, moment: dt.datetime) -> dt.datetime:
        """The lowest clock on the wall from that moment on: in the hour that an autumn repeats, before that hour."""
        wall = self.floating(moment)
        first, second = (wall.replace(tzinfo=self.zone, fold=fold).utcoffset() for fold in (0, 1))
        if first is None or second is None or first <= second:
            return wall
        return wall - (first - second)

    def _localize_exactly(self, text: Any) -> Any:
        if not isinstance(text, str):
            return text
        try:
            moment = dt.datetime.fromisoformat(text)
        except ValueError:
            return text
        return text if moment.tzinfo else moment.replace(tzinfo=self.zone).isoformat()


class _Suffixes(dict[str, str]):
    """The offsets of whole days; empty where the clocks change on that day, or it is no day."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone

    def __missing__(self, day: str) -> str:
        self[day] = suffix = self._suffix_of(day)
        return suffix

    def _suffix_of(self, day: str) -> str:
        try:
            midnight = dt.datetime.fromisoformat(f"{day}T00:00:00")
            offsets = {(midnight + dt.timedelta(days=days)).replace(tzinfo=self.zone).utcoffset() for days in (0, 1)}
        except (ValueError, OverflowError):
            return ""
        return midnight.replace(tzinfo=self.zone).isoformat()[19:] if len(offsets) == 1 else ""


class Conditions:
    """Turns filters into SoQL conditions for the fields of one stream."""

    def __init__(self, stream: str, fields: Iterable[Field], floating: frozenset[str], times: FloatingTimes) -> None:
        self.stream = stream
        self.fields = {field.name: field for field in fields}
        self.floating = floating
        self.times = times

    def where(self, filters: Iterable[Filter]) -> list[str]:
        """One condition a filter. Raises ConfigError `bad_filter`, DataError `column_mismatch`."""
        return [self._condition(item) for item in filters]

    def _condition(self, item: Filter) -> str:
        field = self.fields.get(item.field)
        if field is None:
            raise column_mismatch(self.stream, [item.field], self.fields)
        name = quote_name(item.field)
        if item.operator == "is_null":
            return f"{name} IS {'' if item.value else 'NOT '}NULL"
        if field.type == "json":
            raise bad_filter(item, "objects can only be tested by is_null")
        if item.operator in ("in", "not_in"):
            return self._membership(item, field, name)
        if item.operator == "like":
            if field.type != "text":
                raise bad_filter(item, "only texts can be compared by like")
            return f"{name} LIKE {self._literal(item, field, item.value)}"
        if item.operator not in COMPARISONS:
            raise bad_filter(item, "connectors of kind 'soda' do not know this operator")
        return f"{name} {COMPARISONS[item.operator]} {self._literal(item, field, item.value)}"

    def _membership(self, item: Filter, field: Field, name: str) -> str:
        if not isinstance(item.value, list | tuple):
            raise bad_filter(item, "the value must be a list")
        if len(item.value) > MOST_FILTER_VALUES:
            raise bad_filter(item, f"there are {len(item.value)} values; {MOST_FILTER_VALUES} is the most")
        if not item.value:
            return "1 = 0" if item.operator == "in" else f"{name} IS NOT NULL"
        literals = ", ".join(self._literal(item, field, value) for value in item.value)
        return f"{name} {'IN' if item.operator == 'in' else 'NOT IN'} ({literals})"

    def _literal(self, item: Filter, field: Field, value: Any) -> str:
        if value is None:
            raise bad_filter(item, "there is no value; use is_null to look for empty fields")
        write: Callable[[Field, Any], str] = LITERALS.get(field.type, _write_text)
        try:
            return self._write_time(field, value) if field.type == "datetime" else write(field, value)
        except ValueError as error:
            raise bad_filter(item, f"the value {str(value)[:80]!r} {error}") from None

    def _write_time(self, field: Field, value: Any) -> str:
        if field.name not in self.floating:
            moment = decode_value("datetime", value)
            return quote_text(_show_time(moment.replace(tzinfo=None)) + "Z")
        return quote_text(_show_time(self.times.floating(_read_moment(value))))


def _write_text(_field: Field, value: Any) -> str:
    return quote_text(decode_value("text", value))


def _write_number(_field: Field, value: Any) -> str:
    return format(decode_value("decimal", value), "f")


def _write_boolean(_field: Field, value: Any) -> str:
    return "true" if decode_value("boolean", value) else "false"


LITERALS: dict[FieldType, Callable[[Field, Any], str]] = {"decimal": _write_number, "boolean": _write_boolean}


def _read_moment(value: Any) -> dt.datetime:
    """The moment as given, a zone kept if there is one: decoding would take a bare time for UTC."""
    if isinstance(value, str):
        try:
            return dt.datetime.fromisoformat(value.strip())
        except ValueError:
            raise ValueError("is not a time such as 2026-11-23T02:30:00Z") from None
    if isinstance(value, dt.datetime):
        return value
    if isinstance(value, dt.date):
        return dt.datetime.fromisoformat(value.isoformat())
    raise ValueError("is not a time")


def _show_time(moment: dt.datetime) -> str:
    return moment.isoformat(timespec="milliseconds" if moment.microsecond % 1000 == 0 else "microseconds")


def bad_filter(item: Filter, reason: str) -> ConfigError:
    """Names the filter and what is wrong with it."""
    return ConfigError("bad_filter", f"filter {item.operator} on '{item.field}': {reason}", hint="Correct the filter.")


def column_mismatch(stream: str, missing: Iterable[str], known: Iterable[str]) -> DataError:
    """Says which columns are wanted and which there are."""
    wanted = ", ".join(f"'{name}'" for name in missing)
    return DataError(
        "column_mismatch",
        f"{stream} has no column {wanted} (it has: {', '.join(known)})",
        hint="Correct the mapping, columns or filters; the source may have dropped or renamed it.",
    )
