"""What a Socrata portal answers under its addresses: pages of records, and a dataset's columns. No filters here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from connectors.errors import ConfigError, DataError
from connectors.http import HttpSession
from connectors.http_answers import Answer, Decode, RequestRefused, decode_anything, host_of, snippet
from connectors.json_pages import Page, RecordShape
from connectors.soda_questions import question_of
from connectors.soql import PLAIN_NAME

MOST_NAMED = 10


class SodaPortal:
    """One portal and the datasets of it that have names here; `http` carries the app token."""

    def __init__(
        self, slug: str, base_url: str, datasets: Mapping[str, str], http: HttpSession, *, version: int = 2
    ) -> None:
        self.slug = slug
        self.base_url = base_url
        self.datasets = datasets
        self.http = http
        self.version = version
        self.host = host_of(base_url)

    def rows_url(self, stream: str) -> str:
        """Where SODA 2 has the records of a stream. Raises ConfigError `stream_not_found`."""
        return f"{self.base_url}/resource/{self._identifier(stream)}.json"

    def query_url(self, stream: str) -> str:
        """Where SODA 3 takes questions about them. Raises the same."""
        return f"{self.base_url}/api/v3/views/{self._identifier(stream)}/query.json"

    def page(self, stream: str, shape: RecordShape, parameters: dict[str, str]) -> Page:
        """What is wanted of the records of one request.

        Raises ConfigError `stream_not_found`, `protocol`, `request_refused`, DataError `column_mismatch`, and what
        HttpSession.get_json does.
        """
        value, answer = self._asked(stream, parameters, shape.decode)
        page = shape.page(value, len(answer.body))
        if page is None:
            raise ConfigError(
                "protocol",
                f"{self.host} did not answer with a list of records of {stream}: {snippet(answer.body)}",
                hint="Check that the address is that of a Socrata portal.",
            )
        self._refuse_missing_columns(stream, parameters.get("$select", ""), answer)
        return page

    def count(self, stream: str, parameters: dict[str, str]) -> int:
        """The number that a request for one is answered with. Raises as `page` does."""
        value, _ = self._asked(stream, parameters, decode_anything)
        try:
            return int(next(iter(value[0].values())))
        except (LookupError, StopIteration, ValueError, TypeError, AttributeError):
            raise ConfigError("protocol", f"{self.host} did not answer with a count of {stream}") from None

    def _asked(self, stream: str, parameters: dict[str, str], decode: Decode) -> tuple[Any, Answer]:
        try:
            if self.version == 3:
                return self._asked_by_statement(stream, parameters, decode)
            return self.http.get_json(self.rows_url(stream), parameters, decode)
        except RequestRefused as error:
            raise self._explain(stream, error) from error
        except ConfigError as error:
            raise self._not_found(stream, error) from error

    def _asked_by_statement(self, stream: str, parameters: dict[str, str], decode: Decode) -> tuple[Any, Answer]:
        if not self.http.secret_headers:
            raise ConfigError(
                "credentials_refused",
                f"{self.host} is to be asked by SODA 3, which takes an app token, and there is none",
                hint="Give the connector an app token, or let it ask by version 2.",
            )
        return self.http.ask_json(self.query_url(stream), question_of(parameters), decode)

    def _refuse_missing_columns(self, stream: str, selected: str, answer: Answer) -> None:
        """Empty fields are left out of records, so that only the header tells a column that is no longer sent."""
        try:
            sent = set(json.loads(answer.headers["X-SODA2-Fields"]))
        except (KeyError, ValueError, TypeError):
            return  # not every answer has it
        wanted = [name for name in selected.split(",") if PLAIN_NAME.fullmatch(name) and name[0] != ":"]
        missing = [name for name in wanted if name not in sent]
        if missing:
            raise DataError(
                "column_mismatch",
                f"{stream}: {self.host} no longer sends {', '.join(missing[:MOST_NAMED])}, which its metadata lists",
                hint="The source dropped or renamed it, or answers wrongly.",
            )

    def _not_found(self, stream: str, error: ConfigError) -> ConfigError:
        if error.code != "not_found":
            return error
        identifier = self._identifier(stream)
        return ConfigError(
            "stream_not_found",
            f"{self.host} has no dataset {identifier} ('{stream}' of {self.slug}; 404)",
            hint="Check the dataset's identifier; it may have been withdrawn.",
        )

    def _explain(self, stream: str, error: RequestRefused) -> ConfigError | DataError:
        """A refused query: most often a column that has gone since the schema was read."""
        try:
            told = json.loads(error.answer.body)
            code, message = str(told.get("code") or told.get("errorCode")), str(told["message"])
        except (ValueError, KeyError, AttributeError, TypeError):
            return error
        if "no-such-column" in code:
            return DataError("column_mismatch", f"{stream}: {message[:200]}", hint="The source dropped or renamed it.")
        return ConfigError("request_refused", f"{self.host} refused the query on {stream}: {message[:300]}")

    def columns(self, stream: str) -> list[tuple[str, str]]:
        """Name and Socrata type of each column: from the metadata, or else from the headers of an answer."""
        try:
            view, answer = self.http.get_json(f"{self.base_url}/api/views/{self._identifier(stream)}.json")
            columns = [(str(column["fieldName"]), str(column["dataTypeName"])) for column in view["columns"]]
            if columns:
                return columns
            raise self._strange_metadata(stream, answer)
        except ConfigError as error:
            if error.code != "not_found":
                raise
        except (KeyError, TypeError):
            raise self._strange_metadata(stream, answer) from None
        return self._columns_of_headers(stream)

    def _columns_of_headers(self, stream: str) -> list[tuple[str, str]]:
        try:
            _, answer = self.http.get_json(self.rows_url(stream), {"$limit": "1"})
        except ConfigError as error:
            raise self._not_found(stream, error) from error
        try:
            names, types = (json.loads(answer.headers[f"X-SODA2-{part}"]) for part in ("Fields", "Types"))
            return [(str(name), str(kind)) for name, kind in zip(names, types, strict=True)]
        except (KeyError, ValueError, TypeError):
            raise self._strange_metadata(stream, answer) from None

    def _strange_metadata(self, stream: str, answer: Answer) -> ConfigError:
        return ConfigError("protocol", f"{self.host} does not describe the columns of {stream}: {snippet(answer.body)}")

    def _identifier(self, stream: str) -> str:
        identifier = self.datasets.get(stream)
        if identifier is None:
            raise ConfigError(
                "stream_not_found",
                f"{self.slug} has no stream '{stream}'; it has {', '.join(self.datasets)}",
                hint="Choose one of these, or add the dataset to the connector.",
            )
        return str(identifier)
