"""How source records become target records: rules from JSON, compiled for a schema, run over batches. All pure."""

from syncjobs.mapping.columns import RowReject
from syncjobs.mapping.compile import MappedRows, Mapper, compile_mapping
from syncjobs.mapping.problems import ConfigProblems, MappingProblems
from syncjobs.mapping.spec import MAPPING_SCHEMA, FieldRule, mapping_schema, parse_mapping

__all__ = [
    "MAPPING_SCHEMA",
    "ConfigProblems",
    "FieldRule",
    "MappedRows",
    "Mapper",
    "MappingProblems",
    "RowReject",
    "compile_mapping",
    "mapping_schema",
    "parse_mapping",
]
