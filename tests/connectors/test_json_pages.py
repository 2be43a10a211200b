"""JSON is read as json.loads would read it, with exact numbers, whichever decoder does it."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import DataError, SyncError
from connectors.field_numbers import exact_number
from connectors.http_answers import Answer, parse_json
from connectors.json_pages import RecordShape

numbers = st.one_of(
    st.integers().map(str),
    st.decimals(allow_nan=False, allow_infinity=False).map(lambda number: format(number, "e").replace("e+", "E")),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.from_regex(r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?", fullmatch=True),
)
texts = st.text(st.characters(codec=None)).map(json.dumps) | st.text().map(lambda text: json.dumps(text)[1:-1]).map(
    lambda text: f'"{text}"'
)
plain = st.one_of(st.sampled_from(["true", "false", "null", "NaN", "-Infinity", '"\\ud83d\\ude00"']), numbers, texts)


def _nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    lists = st.lists(inner, max_size=4).map(lambda parts: f"[{' , '.join(parts)}]")
    pairs = st.tuples(st.text(max_size=2).map(json.dumps), inner).map(": ".join)
    return lists | st.lists(pairs, max_size=4).map(lambda parts: "{" + ",".join(parts) + "}")


def answer(body: bytes) -> Answer:
    return Answer("http://portal.example/rows", 200, {"Content-Type": "application/json"}, body)


@given(st.recursive(plain, _nested))
def test_every_json_text_gives_what_the_standard_library_gives(text: str) -> None:
    expected = json.loads(text, parse_float=exact_number)
    assert repr(parse_json(answer(text.encode()))) == repr(expected)


@pytest.mark.parametrize(
    "body",
    [
        *(
            b'{"a": 1, "a": 2}',
            b'"\\ud800"',
            b'"\\ud800x"',
            b'"\\udc00\\ud800"',
            b'"\xed\xa0\x80"',
            b"[NaN, -Infinity]",
        ),
        *(b"\xef\xbb\xbf[1]", "[1.5]".encode("utf-16"), "[1]".encode("utf-32"), b"-0", b"-0.0", b"1E400", b"9" * 4_000),
        *(b'"\\u0000"', b'{"\\u0061": 1}', b"[0.1234567890123456789012345]", b"18446744073709551616", b" [ ] "),
    ],
)
def test_what_is_unusual_is_read_as_ever(body: bytes) -> None:
    assert repr(parse_json(answer(body))) == repr(json.loads(body, parse_float=exact_number))


@pytest.mark.parametrize("body", [b"9" * 5_000, b"[" * 100_000 + b"]" * 100_000, b"1e9999999999999999999"])
def test_what_is_beyond_all_limits_is_refused(body: bytes) -> None:
    with pytest.raises(DataError, match="number or nesting beyond all limits"):
        parse_json(answer(body))


@pytest.mark.parametrize("body", [b"", b"[1,]", b'{"a"', b'"\n"', b"01", b"1.", b"'a'", b'"\xff"', b"[1] 2", b'"\\x"'])
def test_broken_json_is_refused(body: bytes) -> None:
    with pytest.raises(SyncError) as caught:
        parse_json(answer(body))
    assert caught.value.code == "invalid_json"


@pytest.mark.parametrize("is_usual", [True, False])
def test_records_become_columns_of_what_was_asked_for(is_usual: bool) -> None:
    shape = RecordShape([":id", "a name", "b", "b"])
    records: list[dict[str, Any]] = [{":id": "1", "a name": {"x": [1]}, "c": 3}, {"b": 0.5, ":id": "2"}, {"b": None}]
    body = json.dumps(records, ensure_ascii=is_usual).encode()
    page = shape.page(parse_json(answer(body), shape.decode if is_usual else json.loads), len(body))
    assert page is not None
    assert page.columns == {":id": ["1", "2", None], "a name": [{"x": [1]}, None, None], "b": [None, 0.5, None]}
    assert (page.records, page.byte_count) == (3, len(body))


@pytest.mark.parametrize("body", [b"{}", b"null", b"[1]", b"[null]", b'[{":id": "1"}, 2]', b'"text"'])
def test_what_is_no_list_of_records_is_no_page(body: bytes) -> None:
    shape = RecordShape([":id"])
    assert shape.page(parse_json(answer(body), shape.decode), len(body)) is None


def _objects(values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(["a", "b"]), values)


odd_texts = st.text('}{[],:" \\', max_size=8)
odd_values = st.recursive(odd_texts | st.none() | st.integers(), lambda inner: st.lists(inner) | _objects(inner))


@given(st.lists(_objects(odd_values), max_size=12), st.integers(0, 40), st.sampled_from([None, 0, 1]))
def test_where_the_body_is_cut_changes_no_record(records: list[dict[str, Any]], size: int, indent: int | None) -> None:
    read = RecordShape(["a", "b"], piece_bytes=size).decode(json.dumps(records, indent=indent).encode())
    assert read.records == len(records)
    assert read.columns == {name: [record.get(name) for record in records] for name in ("a", "b")}


@pytest.mark.parametrize("end", [b"", b"},", b"},{}", b"}]]", b'},"{"]', b"},{},]", b"}\v,{}]"])
def test_a_body_that_is_no_json_is_none_in_pieces_either(end: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        RecordShape(["a"], piece_bytes=0).decode(b'[{"a": 1}, {"a": 2' + end)


def test_texts_that_come_again_and_again_are_kept_once_and_other_values_as_they_are() -> None:
    shape = RecordShape(["street", "size", "place"])
    sent = [{"street": "Main St", "size": size, "place": [1]} for size in (1, True, 1.0, None)]
    page = shape.page(shape.decode(json.dumps(sent).encode()), 0)
    assert page is not None
    assert page.columns == {"street": ["Main St"] * 4, "size": [1, True, 1.0, None], "place": [[1]] * 4}
    assert [type(size) for size in page.columns["size"]] == [int, bool, float, type(None)]
    assert len({id(street) for street in page.columns["street"]}) == 1
