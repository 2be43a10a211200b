"""Settings of kind `files`: their JSON Schema for the form, and the shape that other modules read. Opens nothing."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from connectors.errors import ConfigError
from connectors.records import FieldType

FormatName = Literal["csv", "jsonl", "parquet"]
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
# Only encodings in which no byte of another character looks like a line's end.
ENCODINGS = (
    "utf-8",
    "iso-8859-1",
    "iso-8859-15",
    "windows-1250",
    "windows-1251",
    "windows-1252",
    "shift_jis",
    "gb18030",
)
SUFFIXES: dict[FormatName, tuple[str, ...]] = {
    "csv": (".csv", ".csv.gz"),
    "jsonl": (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz"),
    "parquet": (".parquet",),
}

SPEC: dict[str, Any] = {
    "config": {
        "type": "object",
        "required": ["root", "format"],
        "additionalProperties": False,
        "properties": {
            "root": {
                "type": "string",
                "minLength": 1,
                "title": "Folder",
                "description": "Relative to the data directory, or below one of SYNCDECK_FILE_ROOTS. Streams are paths"
                " below it such as airports or 2024/airports.csv, for reading also patterns such as 2024/*.csv.",
            },
            "format": {
                "enum": list(get_args(FormatName)),
                "title": "Format",
                "description": "csv, jsonl (one JSON object in a line; like csv unpacked where the name ends in .gz) or"
                " parquet, for which encoding, delimiter, quote, header and null_text do not count.",
            },
            "encoding": {
                "enum": list(ENCODINGS),
                "default": "utf-8",
                "title": "Encoding",
                "description": "Of the files that are read; files are only written in utf-8.",
            },
            "delimiter": {
                "enum": list(DELIMITERS),
                "default": "comma",
                "title": "Delimiter",
                "description": "Between the cells of a CSV file.",
            },
            "quote": {
                "type": "string",
                "pattern": "^[^\\r\\n\\s,;|]$",
                "default": '"',
                "title": "Quote",
                "description": "Around cells of a CSV file; doubled where it is part of one.",
            },
            "header": {
                "type": "boolean",
                "default": True,
                "title": "Header",
                "description": "Whether a CSV file's first line names its columns. Without it they are column_1,"
                " column_2 and so on, and files can only be read.",
            },
            "null_text": {
                "type": "string",
                "maxLength": 20,
                "pattern": "^[^\\r\\n]*$",
                "default": "",
                "title": "Text of no value",
                "description": "An unquoted CSV cell with just this is NULL; the same in quotes is a text. The default"
                ' makes an empty cell NULL and "" an empty text. What Syncdeck writes keeps that rule exactly.',
            },
            "infer_types": {
                "type": "boolean",
                "default": False,
                "title": "Infer types",
                "description": "Judge the types of a CSV file's columns by its first 1,000 records; otherwise what is"
                " not declared is text, and nothing is changed by reading it.",
            },
            "columns": {
                "type": "object",
                "title": "Column types",
                "description": 'Types by stream and column, such as {"airports": {"elevation": "integer"}}.',
                "additionalProperties": {
                    "type": "object",
                    "additionalProperties": {"enum": list(get_args(FieldType))},
                },
            },
        },
    },
    "credentials": {"type": "object", "additionalProperties": False, "properties": {}},
}


def spec_with(note: str) -> dict[str, Any]:
    """The schemas, with a note about the formats."""
    spec = deepcopy(SPEC)
    spec["config"]["properties"]["format"]["description"] += note
    return spec


@dataclass(frozen=True, slots=True)
class FileFormat:
    """How files are read and written."""

    name: FormatName
    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    has_header: bool = True
    null_text: str = ""
    infers_types: bool = False
    columns: dict[str, dict[str, FieldType]] = field(default_factory=dict)  # declared types by stream

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Endings of file names; the first is that of new files."""
        return SUFFIXES[self.name]


def file_format(config: dict[str, Any]) -> FileFormat:
    """The format of a config that its schema accepts. Raises ConfigError `bad_format`."""
    found = FileFormat(
        name=config["format"],
        encoding=config.get("encoding", "utf-8"),
        delimiter=DELIMITERS[config.get("delimiter", "comma")],
        quote=config.get("quote", '"'),
        has_header=config.get("header", True),
        null_text=config.get("null_text", ""),
        infers_types=config.get("infer_types", False),
        columns=config.get("columns", {}),
    )
    if found.quote in found.null_text or found.delimiter in found.null_text:
        raise ConfigError(
            "bad_format",
            "the text of no value holds the quote or the delimiter",
            hint="Choose another null_text, quote or delimiter.",
        )
    return found
