"""The sandbox understands SODA 2 queries as Socrata documents them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from connectors.sandbox.server import RunningSandbox, running_sandbox
from tests.sandbox.conftest import THINGS, Ask


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """One sandbox for all questions of this module; a test that changes rows takes `changed_sandbox`."""
    path = tmp_path_factory.mktemp("queries") / "sandbox.sqlite3"
    with running_sandbox(path, datasets={"things": THINGS}) as running:
        yield running


@pytest.fixture
def changed_sandbox(sandbox: RunningSandbox) -> Iterator[RunningSandbox]:
    yield sandbox
    sandbox.reset()


WHERE_TABLE = [
    ("code = 'a'", "a"),
    ("'a' = code", "a"),
    ("CODE = 'a'", "a"),
    ("`code` = 'a'", "a"),
    ("code != 'a'", "bcde"),
    ("code <> 'a'", "bcde"),
    ("name = 'Ännchen O''Hare'", "a"),
    ("size > 9", "ad"),
    ("size >= '9'", "abd"),
    ("size < 0", "c"),
    ("size = -1.5", "c"),
    ("size = 9007199254740993", "d"),
    ("size = 9007199254740992", ""),
    ("size between 9 and 10", "ab"),
    ("size not between 9 and 10", "cd"),
    ("code in ('a', 'c', 'zz')", "ac"),
    ("code NOT IN ('a', 'c')", "bde"),
    ("size in (9, '10')", "ab"),
    ("name like 'B%'", "c"),
    ("name like '%eta%'", "bc"),
    ("name like 'Beta_2'", "c"),
    ("name like 'delta*'", "d"),
    ("name not like '%eta%'", "ad"),
    ("name IS NULL", "e"),
    ("name is not null and size < 10", "bc"),
    ("made_at > '2026-01-01'", "bd"),
    ("made_at >= '2026-01-02T10:00:00.000'", "bd"),
    ("made_at between '2026-01-01T00:00:00' and '2026-01-02T10:00:00.000'", "ab"),
    ("is_new", "a"),
    ("is_new = false", "b"),
    ("NOT is_new", "b"),
    ("code = 'a' or code = 'b' and size > 100", "a"),
    ("(code = 'a' or code = 'b') and size > 9", "a"),
    ("not (code = 'a' or size > 0)", "c"),
    ("name = null", ""),
    ("place is not null", "c"),
    (":id = ':id'", ""),
    (":updated_at > '2020-01-01'", "abcde"),
    (":updated_at < '2020-01-01T00:00:00Z'", ""),
    ("size > -1e3", "abcd"),
]


@pytest.mark.parametrize(("where", "codes"), WHERE_TABLE)
def test_where_keeps_the_rows_that_match(ask: Ask, where: str, codes: str) -> None:
    assert "".join(str(row["code"]) for row in ask(where=where, order="code")) == codes


@pytest.mark.parametrize(
    ("order", "codes"),
    [
        ("code", "abcde"),
        ("code DESC", "edcba"),
        ("size", "cbade"),
        ("size desc", "edabc"),
        ("made_at, code DESC", "abdec"),
        ("name asc", "cbdae"),
    ],
)
def test_order_sorts_numbers_as_numbers_texts_by_bytes_and_empty_values_last(ask: Ask, order: str, codes: str) -> None:
    assert "".join(str(row["code"]) for row in ask(order=order)) == codes


def test_rows_look_as_socrata_shows_them(ask: Ask) -> None:
    rows = {row["code"]: row for row in ask()}
    assert rows["a"] == {
        "code": "a",
        "name": "Ännchen O'Hare",
        "size": "10",
        "made_at": "2026-01-01T00:00:00.000",
        "is_new": True,
    }
    assert rows["c"]["place"] == {"type": "Point", "coordinates": [1, 2]}
    assert rows["d"]["size"] == "9007199254740993"
    assert rows["e"] == {"code": "e"}


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        ("code", {"code": "b"}),
        ("code AS letter, size", {"letter": "b", "size": "9"}),
        ("count(*)", {"count": "1"}),
        ("count(*) as n", {"n": "1"}),
        ("count(place)", {"count_place": "0"}),
        ("max(size), min(code) as first", {"max_size": "9", "first": "b"}),
        ("sum(size) as total", {"total": "9"}),
        ("max(is_new) as any_new", {"any_new": False}),
        ("max(place)", {}),
    ],
)
def test_select_picks_renames_and_aggregates(ask: Ask, select: str, expected: dict[str, object]) -> None:
    assert ask(select=select, where="code = 'b'") == [expected]


@pytest.mark.parametrize("select", [":*, *", ":id, :created_at, :updated_at, *", "*, :*", ":*, *, code"])
def test_system_fields_come_with_all_columns(ask: Ask, select: str) -> None:
    (row,) = ask(select=select, where="code = 'b'")
    system = {name: row.pop(name) for name in (":id", ":created_at", ":updated_at")}
    assert row == ask(where="code = 'b'")[0]
    assert str(system[":id"]).startswith("row-")
    assert str(system[":updated_at"]).endswith("Z")


def test_headers_name_the_fields_and_types_of_the_answer(sandbox: RunningSandbox) -> None:
    url = f"{sandbox.url}/resource/things.json"
    response = requests.get(url, params={"$select": ":id, :updated_at, *", "$limit": "0"}, timeout=10)
    assert response.json() == []
    assert response.headers["X-SODA2-Fields"] == (
        '[":id", ":updated_at", "code", "name", "size", "made_at", "is_new", "place"]'
    )
    assert response.headers["X-SODA2-Types"] == (
        '["row_identifier", "fixed_timestamp", "text", "text", "number", "floating_timestamp", "boolean", "point"]'
    )
    assert response.headers["Content-Type"] == "application/json;charset=utf-8"
    assert response.headers["Last-Modified"].endswith(" GMT")


def test_a_column_name_as_parameter_filters_by_equality(sandbox: RunningSandbox) -> None:
    url = f"{sandbox.url}/resource/things.json"
    found = requests.get(url, params={"size": "9.0", "name": "beta 100%"}, timeout=10).json()
    assert [row["code"] for row in found] == ["b"]
    assert requests.get(url, params={"size": "9", "code": "a"}, timeout=10).json() == []


def test_pages_by_offset_hold_each_row_once(ask: Ask) -> None:
    pages = [ask(select="code", order=":id", limit=2, offset=offset) for offset in (0, 2, 4, 6)]
    assert [len(page) for page in pages] == [2, 2, 1, 0]
    assert sorted(str(row["code"]) for page in pages for row in page) == list("abcde")


def test_keyset_over_id_gives_each_row_once(changed_sandbox: RunningSandbox, ask: Ask) -> None:
    changed_sandbox.change_rows("things", [{"code": f"k{number:04d}", "size": number} for number in range(2500)])
    seen: list[str] = []
    last = ""
    while page := ask(select=":id, *", where=f":id > '{last}'", order=":id", limit=400):
        seen += [str(row["code"]) for row in page]
        last = str(page[-1][":id"])
    assert len(seen) == len(set(seen)) == 2505


def test_without_limit_a_thousand_rows_come(changed_sandbox: RunningSandbox, ask: Ask) -> None:
    changed_sandbox.change_rows("things", [{"code": f"k{number:04d}"} for number in range(1200)])
    assert len(ask()) == 1000
    assert len(ask(limit=50_000)) == 1205


@pytest.mark.parametrize(
    ("parameters", "code", "part"),
    [
        ({"$where": "colour = 'red'"}, "query.soql.no-such-column", "No such column: colour"),
        ({"$select": "code, colour"}, "query.soql.no-such-column", "colour"),
        ({"$order": "colour"}, "query.soql.no-such-column", "colour"),
        ({"colour": "red"}, "query.soql.no-such-column", "colour"),
        ({"$where": "name > 42"}, "query.soql.type-mismatch", "expected text, found number"),
        ({"$where": "size > 'many'"}, "query.soql.type-mismatch", "'many' is not a number"),
        ({"$where": "made_at > 'yesterday'"}, "query.soql.type-mismatch", "'yesterday'"),
        ({"$where": "made_at > '2026-02-30'"}, "query.soql.type-mismatch", "2026-02-30"),
        ({"$where": "place = 'here'"}, "query.soql.type-mismatch", "point"),
        ({"$where": "size"}, "query.soql.type-mismatch", "expected boolean"),
        ({"$select": "sum(name)"}, "query.soql.type-mismatch", "sum"),
        ({"$select": "code, count(*)"}, "query.soql.column-not-in-group-bys", "aggregates"),
        ({"$select": "code as x, name as x"}, "query.soql.duplicate-alias", "x"),
        ({"$where": "code = "}, "query.compiler.malformed", "position 8"),
        ({"$where": "code = 'a"}, "query.compiler.malformed", "position 8"),
        ({"$where": "(code = 'a'"}, "query.compiler.malformed", "')'"),
        ({"$where": "code in ()"}, "query.compiler.malformed", "a column"),
        ({"$limit": "50001"}, "query.compiler.malformed", "50000"),
        ({"$limit": "-1"}, "query.compiler.malformed", "$limit"),
        ({"$offset": "two"}, "query.compiler.malformed", "$offset"),
        ({"$group": "code"}, "query.compiler.malformed", "$group"),
    ],
)
def test_a_wrong_query_is_refused_in_socratas_words(
    sandbox: RunningSandbox, parameters: dict[str, str], code: str, part: str
) -> None:
    response = requests.get(f"{sandbox.url}/resource/things.json", params=parameters, timeout=10)
    problem = response.json()
    assert response.status_code == 400
    assert (problem["errorCode"], problem["code"], problem["error"]) == (code, code, True)
    assert part in problem["message"]


@pytest.mark.parametrize(
    "where",
    [
        "1=1; DROP TABLE rows_things",
        "code = 'a' -- and more",
        "code = 'a' /* and more */",
        "code = 'a' UNION SELECT value FROM settings",
        "code = (SELECT name FROM sqlite_master)",
        "body like '%'",
        '"c_code" = "c_code"',
        "c_code = 'a'",
        '`c_code" = 1 OR "1` = 1',
        "load_extension('x') = 'y'",
        "code = char(97)",
        "code = 'a' COLLATE NOCASE",
        "code = ?",
        "code = :name",
        "rowid = 1",
        "code || 'x' = 'ax'",
    ],
)
def test_sql_smuggled_into_where_is_refused(sandbox: RunningSandbox, ask: Ask, where: str) -> None:
    response = requests.get(f"{sandbox.url}/resource/things.json", params={"$where": where}, timeout=10)
    assert response.status_code == 400
    assert response.json()["errorCode"] in ("query.compiler.malformed", "query.soql.no-such-column")
    assert len(ask()) == 5


@pytest.mark.parametrize("value", ["' OR '1'='1", "a'; DROP TABLE rows_things; --", "\x00", "%", "*"])
def test_a_value_is_only_ever_a_value(sandbox: RunningSandbox, ask: Ask, value: str) -> None:
    url = f"{sandbox.url}/resource/things.json"
    assert requests.get(url, params={"code": value}, timeout=10).json() == []
    quoted = value.replace("'", "''")
    assert ask(where=f"code = '{quoted}'") == []
    assert len(ask()) == 5


def test_very_deep_and_very_long_conditions_are_answered_or_refused(sandbox: RunningSandbox, ask: Ask) -> None:
    assert len(ask(where=" or ".join(["code = 'a'"] * 500))) == 1
    assert len(ask(where="(" * 10 + "code = 'a'" + ")" * 10)) == 1
    for where in ("(" * 5000 + "code = 'a'" + ")" * 5000, "not " * 5000 + "is_new", "is_new or " * 5000 + "is_new"):
        response = requests.get(f"{sandbox.url}/resource/things.json", params={"$where": where}, timeout=10)
        assert response.status_code == 400
        assert "more than" in response.json()["message"]


def test_metadata_names_columns_and_types(sandbox: RunningSandbox) -> None:
    listed = requests.get(f"{sandbox.url}/api/views.json", timeout=10).json()
    view = requests.get(f"{sandbox.url}/api/views/{listed[0]['id']}.json", timeout=10).json()
    assert view == listed[0]
    assert [(column["fieldName"], column["dataTypeName"]) for column in view["columns"]] == [
        ("code", "text"),
        ("name", "text"),
        ("size", "number"),
        ("made_at", "calendar_date"),
        ("is_new", "checkbox"),
        ("place", "point"),
    ]
    assert view["columns"][view["rowIdentifierColumnId"] - 1]["fieldName"] == "code"
    assert requests.get(f"{sandbox.url}/api/views/things.json", timeout=10).json() == view


@pytest.mark.parametrize("path", ["/resource/none.json", "/api/views/abcd-1234.json"])
def test_a_missing_dataset_is_404(sandbox: RunningSandbox, path: str) -> None:
    response = requests.get(f"{sandbox.url}{path}", timeout=10)
    assert response.status_code == 404
    assert response.json()["errorCode"] == "dataset.missing"


def query(sandbox: RunningSandbox, body: object, has_token: bool = True) -> requests.Response:
    """SODA 3."""
    headers = {"X-App-Token": "any"} if has_token else {}
    return requests.post(f"{sandbox.url}/api/v3/views/things/query.json", json=body, headers=headers, timeout=10)


def test_a_statement_is_asked_page_by_page(sandbox: RunningSandbox) -> None:
    statement = "SELECT :id, `code` WHERE size > 0 AND code != 'x' ORDER BY code DESC"
    pages = [
        query(sandbox, {"query": statement, "page": {"pageNumber": number, "pageSize": 2}, "includeSynthetic": False})
        for number in (1, 2)
    ]
    assert [[row["code"] for row in page.json()] for page in pages] == [["d", "b"], ["a"]]
    assert all(row[":id"] for row in pages[0].json())
    assert query(sandbox, {"query": "select code order by code limit 1 offset 1"}).json() == [{"code": "b"}]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "a query"),
        ({"query": "SELECT code", "parameters": {}}, "may have a page"),
        ({"query": "SELECT code; DROP TABLE things"}, "unexpected ';'"),
        ({"query": "SELECT code WHERE"}, "expected a column but found the end"),
        ({"query": "code"}, "expected 'select'"),
        ({"query": "SELECT code LIMIT 1", "page": {"pageNumber": 1, "pageSize": 2}}, "LIMIT or OFFSET"),
        ({"query": "SELECT code", "page": {"pageNumber": 0, "pageSize": 2}}, "counted from 1"),
        ({"query": "SELECT code", "page": {"pageSize": 2}}, "a pageNumber"),
    ],
)
def test_a_wrong_statement_or_page_is_refused(sandbox: RunningSandbox, body: object, words: str) -> None:
    answer = query(sandbox, body)
    assert answer.status_code == 400
    assert words in answer.json()["message"]


def test_statements_are_only_taken_with_an_app_token(sandbox: RunningSandbox) -> None:
    assert query(sandbox, {"query": "SELECT code"}, has_token=False).status_code == 403
