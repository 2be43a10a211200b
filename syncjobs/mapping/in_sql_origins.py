"""Where a target field's value comes from, said in SQL, and its transforms."""

from __future__ import annotations

from datetime import date

from connectors.expressions import Constant
from connectors.records import Field, StreamSchema
from syncjobs.mapping import spec
from syncjobs.mapping.compile import compile_mapping
from syncjobs.mapping.in_sql_values import NotSaid, SQLValue, column_value
from syncjobs.mapping.spec import FieldRule


def sql_origin(rule: FieldRule, field: Field, schema: StreamSchema, today: date) -> SQLValue:
    """The value before the last conversion to the field's type. Raises NotSaid."""
    match rule.origin:
        case spec.Column(name):
            source = schema.get(name)
            if source is None or rule.transforms:
                raise NotSaid("its transforms run in Python")
            return column_value(source)
        case spec.Constant():
            return constant_value(rule, field, today)
    raise NotSaid("templates and cases run in Python")


def constant_value(rule: FieldRule, field: Field, today: date) -> SQLValue:
    """What the Python mapping makes of a constant, worked out here and now."""
    result = compile_mapping((rule,), StreamSchema(()), None, today).map_rows((), [()])
    if result.rejects or result.nulled:
        raise NotSaid("its constant does not fit")
    return SQLValue(Constant(field.type, result.rows[0][0]), field.type)
