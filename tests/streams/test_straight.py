"""Streams between two PostgreSQL databases, copied as they come: the same results as record by record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from connectors.models import Connector
from syncjobs.models import Change, JobBatch, JobLog, Reject, StreamCursor, SyncJob
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_types import job_type_from_shape, save_job_type
from syncjobs.operations.jobs import retry_job
from tests.streams.conftest import counts, run, run_here

ROWS = 20
AWKWARD = """
CREATE TABLE {schema}.things (
    region text COLLATE "und-x-icu" NOT NULL, number integer NOT NULL, big bigint, small smallint, price numeric(12, 2),
    exact numeric, ratio double precision, short real, is_new boolean, born date, seen timestamptz, local timestamp,
    note text, code varchar(20), fixed char(6), file bytea, ident uuid, span interval, host inet, hour time,
    PRIMARY KEY (region, number))
"""
FILL = """
INSERT INTO here.things SELECT (ARRAY['b', 'A', 'a', 'Ä', 'z', '😀'])[1 + n % 6], n, n * 1000000000000000, n, n / 7.0,
    ('1e-' || n)::numeric, n / 3.0, n / 3.0, n % 2 = 0, '2024-02-28'::date + n, '2024-02-28 23:59:59.5+02'::timestamptz,
    '2024-02-28 12:00:00.000001', E'tab\\t line\\n back\\\\slash "quoted" ''it'' \\u00e4\\U0001f600\\\\N',
    'c' || n, 'f', decode(lpad(to_hex(n), 4, '0'), 'hex'), md5(n::text)::uuid, n * interval '1 hour', '10.0.0.1',
    '12:00:00.25'
FROM generate_series(1, 20) AS n
"""
EMPTY = "UPDATE here.things SET ({names}) = ROW({nulls}) WHERE number IN (3, 7)"
NAMES = "big, small, price, exact, ratio, short, is_new, born, seen, local, note, code, fixed, file, ident, span, host"
CHANGE = """
UPDATE here.things SET big = 9007199254740993, exact = 1.50, ratio = 1e300, seen = '2024-06-01 00:00:00+00',
    local = NULL, note = E'\\u2028 new', file = '\\\\x00ff', is_new = NULL, born = '0044-03-15', span = '1 mon'
WHERE number % 4 = 1
"""


@dataclass(frozen=True)
class Databases:
    """A source in schema `here` and a target in schema `there`."""

    url: str

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def things(self, schema: str = "there", table: str = "things") -> list[tuple[Any, ...]]:
        """The rows as PostgreSQL shows them."""
        return self.sql(f"SELECT t::text FROM {schema}.{table} AS t ORDER BY 1")  # noqa: S608 - our own names


@pytest.fixture
def both(postgres_url: str, transactional_db: None) -> Databases:
    found = Databases(postgres_url)
    found.sql("CREATE SCHEMA here", "CREATE SCHEMA there")
    url = urlsplit(postgres_url)
    for slug in ("here", "there"):
        config = {"host": url.hostname, "port": url.port, "user": url.username, "dbname": url.path.strip("/")}
        shape = {"slug": slug, "kind": "postgres", "config": config | {"sslmode": "disable", "schema": slug}}
        save_connector(connector_from_shape(shape | {"credentials": {"password": url.password}}))
    return found


def job_type(slug: str = "straight", **stream: Any) -> Any:
    """A type that copies the things; one by one where `max_rows` asks for it."""
    stream = {"source": "things", "target": "things", "key": ["region", "number"], "mode": "upsert"} | stream
    shape = {"slug": slug, "name": slug, "source_connector": "here", "target_connector": "there", "max_retries": 0}
    return save_job_type(job_type_from_shape(shape | {"config": {"streams": [stream]}}), actor="test")


def one_by_one(**stream: Any) -> Any:
    """A type of the same stream that goes the ordinary way."""
    return job_type("ordinary", max_rows=1_000_000, **stream)


def said(job: SyncJob, words: str) -> bool:
    return any(words in line.message for line in JobLog.objects.filter(job=job))


def was_copied(job: SyncJob) -> bool:
    """Whether all of the job went the quick way."""
    return said(job, "copied as they come") and not said(job, "written one by one")


def changes_of(job: SyncJob) -> list[tuple[Any, ...]]:
    return sorted(
        (change.operation, sorted(change.key.items()), change.key_hash, sorted(change.fields.items()))
        for change in Change.objects.filter(job=job)
    )


def books_of(job: SyncJob) -> list[tuple[Any, ...]]:
    batches = JobBatch.objects.filter(job=job)
    return [(one.batch_no, one.state, one.counts, one.checkpoint["position"]) for one in batches]


def assert_alike(both: Databases, first: SyncJob, second: SyncJob, rows: list[tuple[Any, ...]]) -> None:
    """Of a job that was copied, with the rows it left, and of one that was not, done on the same target."""
    assert was_copied(first), list(JobLog.objects.filter(job=first).values_list("message", flat=True))
    assert not said(second, "copied as they come")
    assert (first.status, first.counts) == (second.status, second.counts), (first.failure, second.failure)
    assert (changes_of(first), books_of(first)) == (changes_of(second), books_of(second))
    assert rows == both.things()


def fill(both: Databases) -> None:
    both.sql(AWKWARD.format(schema="here"), FILL)
    both.sql(EMPTY.format(names=NAMES, nulls=", ".join(["NULL"] * (NAMES.count(",") + 1))))


@pytest.mark.parametrize("target", ["created", "same", "other types"])
def test_awkward_records_arrive_and_change_as_if_looked_at_one_by_one(both: Databases, target: str) -> None:
    fill(both)
    declared = AWKWARD.format(schema="there")
    if target == "other types":
        for old, new in (("price numeric(12, 2)", "price numeric(12, 1)"), ("number integer", "number numeric")):
            declared = declared.replace(old, new)
        declared = declared.replace("local timestamp", "local timestamptz").replace("real", "double precision")
    pairs = []
    for kind in (job_type(batch_size=7), one_by_one(batch_size=7)):
        both.sql("DROP TABLE IF EXISTS there.things", *([] if target == "created" else [declared]))
        both.sql("UPDATE here.things SET note = 'old' WHERE number % 5 = 0")
        loaded = run(kind)
        assert counts(loaded) == {"read": ROWS, "inserted": ROWS}, loaded.failure
        both.sql("CREATE TABLE saved AS SELECT * FROM here.things", CHANGE)
        both.sql("DELETE FROM there.things WHERE number = 20", "UPDATE there.things SET code = NULL WHERE number = 2")
        planned = run(kind, dry_run=True)
        rows = both.things()
        pairs.append([(loaded, rows), (planned, rows), (run(kind), both.things()), (run(kind), both.things())])
        both.sql("TRUNCATE here.things", "INSERT INTO here.things SELECT * FROM saved", "DROP TABLE saved")
    for (first, rows), (second, others) in zip(*pairs, strict=True):
        assert rows == others
        assert_alike(both, first, second, both.things())
    changed, unchanged = pairs[0][2][0], pairs[0][3][0]
    assert counts(changed) == {"read": ROWS, "inserted": 1, "updated": 6, "unchanged": 13}
    assert len(changes_of(changed)) == 7
    assert counts(unchanged) == {"read": ROWS, "unchanged": ROWS}


def test_renamed_and_chosen_columns_of_a_range_are_copied(both: Databases) -> None:
    fill(both)
    mapping = [{"to": "number", "from": "number"}, {"to": "words", "from": "note"}, {"to": "origin", "value": "here"}]
    settings: dict[str, Any] = {"key": ["number"], "mapping": mapping, "batch_size": 4}
    settings["filters"] = [{"field": "number", "op": "gt", "value": 5}]
    settings["window"] = {"field": "born", "days": 30}
    settings["range"] = {"start": "2024-03-01", "end": "2024-03-12"}
    first = run(job_type(**settings))
    rows = both.things()
    both.sql("DROP TABLE there.things")
    assert_alike(both, first, run(one_by_one(**settings)), rows)
    assert counts(first) == {"read": 7, "inserted": 7}
    assert sum("here" in row for (row,) in rows) == 7


def test_window_whose_highest_value_is_no_time_is_noted_as_ever(both: Databases) -> None:
    both.sql("CREATE TABLE here.things (region text, number int, seen timestamptz, PRIMARY KEY (region, number))")
    both.sql("INSERT INTO here.things SELECT 'r', n, now() FROM generate_series(1, 5) AS n")
    both.sql("UPDATE here.things SET seen = 'infinity' WHERE number = 3")
    settings: dict[str, Any] = {"extent": "window", "window": {"field": "seen", "days": 9}}
    settings["on_reject"] = {"policy": "quarantine"}
    results = []
    for kind in (job_type(**settings), one_by_one(**settings)):
        both.sql("DROP TABLE IF EXISTS there.things")
        job = run(kind)
        assert counts(job) == {"read": 5, "inserted": 4, "rejected": 1}, job.failure
        results.append((StreamCursor.objects.get(job=job).new, both.things()))
    assert results[0] == results[1]


@pytest.mark.parametrize("mode", ["mirror", "replace"])
def test_mirrors_and_replacements_are_copied(both: Databases, mode: str) -> None:
    fill(both)
    results = []
    for kind in (job_type(mode=mode, batch_size=6), one_by_one(mode=mode, batch_size=6)):
        both.sql("DROP TABLE IF EXISTS there.things", AWKWARD.format(schema="there"))
        both.sql("INSERT INTO there.things (region, number) VALUES ('gone', 1), ('gone', 2)")
        kind.guards = {}
        kind.save()
        job = run(kind)
        results.append((job, both.things()))
    (first, rows), (second, _) = results
    assert_alike(both, first, second, rows)
    assert (first.counts["inserted"], first.counts["deleted"]) == (ROWS, 2)
    assert rows == both.things("here")


def test_doubtful_record_and_empty_key_are_set_aside_and_their_neighbours_written(both: Databases) -> None:
    both.sql("CREATE TABLE here.things (id int PRIMARY KEY, region text, number int, seen timestamptz)")
    both.sql("INSERT INTO here.things SELECT n, 'r', n, '2024-01-01' FROM generate_series(1, 12) AS n")
    both.sql(
        "UPDATE here.things SET seen = 'infinity' WHERE id = 5", "UPDATE here.things SET number = NULL WHERE id = 6"
    )
    settings: dict[str, Any] = {"on_reject": {"policy": "quarantine"}, "batch_size": 4}
    first = run(job_type(**settings))
    rows, rejects = both.things(), list(Reject.objects.filter(job=first).values_list("code", "field", "message"))
    both.sql("DROP TABLE there.things")
    second = run(one_by_one(**settings))
    assert said(first, "written one by one")
    assert counts(first) == counts(second) == {"read": 12, "inserted": 10, "rejected": 2}
    assert rejects == list(Reject.objects.filter(job=second).values_list("code", "field", "message"))
    assert (books_of(first), rows) == (books_of(second), both.things())


def test_of_records_with_the_same_key_the_last_one_counts(both: Databases) -> None:
    both.sql("CREATE TABLE here.things (id int PRIMARY KEY, region text, number int, note text)")
    both.sql("INSERT INTO here.things SELECT n, 'r', n % 5, 'note ' || n FROM generate_series(1, 12) AS n")
    first = run(job_type(batch_size=6))
    rows = both.things()
    both.sql("DROP TABLE there.things")
    second = run(one_by_one(batch_size=6))
    assert counts(first) == counts(second) == {"read": 12, "inserted": 5, "updated": 5, "duplicates": 2}
    assert (rows, books_of(first)) == (both.things(), books_of(second))


def test_row_that_somebody_puts_into_the_target_between_batches_is_compared(both: Databases) -> None:
    """The trigger stands for another program: it writes a record of a later batch, and one of nobody's."""
    both.sql("CREATE TABLE here.things (region text, number int, note text, PRIMARY KEY (region, number))")
    both.sql("INSERT INTO here.things SELECT 'r', n, 'ours' FROM generate_series(1, 12) AS n")
    trigger = """
        CREATE FUNCTION there.meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NEW.number = 2 THEN INSERT INTO there.things VALUES ('r', 7, 'theirs'), ('q', 99, 'theirs'); END IF;
            RETURN NULL; END $$;
        CREATE TRIGGER meddle AFTER INSERT ON there.things FOR EACH ROW EXECUTE FUNCTION there.meddle()
    """
    results = []
    for kind in (job_type(batch_size=4), one_by_one(batch_size=4)):
        both.sql("DROP TABLE IF EXISTS there.things", "DROP FUNCTION IF EXISTS there.meddle()")
        both.sql(
            "CREATE TABLE there.things (region text, number int, note text, PRIMARY KEY (region, number))", trigger
        )
        results.append((run(kind), both.things()))
    (first, rows), (second, others) = results
    assert said(first, "written one by one")
    assert counts(first) == counts(second) == {"read": 12, "inserted": 11, "updated": 1}
    assert (rows, books_of(first)) == (others, books_of(second))
    assert sum("ours" in row for (row,) in rows) == 12


def test_record_that_does_not_fit_is_named_and_a_retry_goes_on_after_the_batches_before(both: Databases) -> None:
    both.sql("CREATE TABLE here.things (region text, number int, note text, PRIMARY KEY (region, number))")
    both.sql("INSERT INTO here.things SELECT 'r', n, 'note ' || n FROM generate_series(1, 12) AS n")
    both.sql("CREATE TABLE there.things (region text, number int, note varchar(9), PRIMARY KEY (region, number))")
    both.sql("UPDATE here.things SET note = 'far too long' WHERE number = 7")
    job = run(job_type(batch_size=5))
    assert (job.status, counts(job)) == ("error", {"read": 5, "inserted": 5}), job.failure
    assert job.failure is not None
    assert "number=7" in job.failure["message"], job.failure
    both.sql("UPDATE here.things SET note = 'fits' WHERE number = 7")
    again = run_here(retry_job(job.pk, actor="test"))
    assert (again.status, counts(again)) == ("finished", {"read": 12, "inserted": 12}), again.failure
    assert [state for _, state, _, _ in books_of(again)] == ["committed"] * 3
    assert both.things() == both.things("here")


@pytest.mark.parametrize("kind", [job_type, one_by_one])
def test_blanks_that_a_text_is_too_long_by_are_not_cut_off(both: Databases, kind: Any) -> None:
    """PostgreSQL itself would cut them without a word. Those of char(n) mean nothing, on either side."""
    table = "(region text, number int, note {}, fixed {}, PRIMARY KEY (region, number))"
    both.sql(f"CREATE TABLE here.things {table.format('varchar(9)', 'char(9)')}")
    both.sql("INSERT INTO here.things SELECT 'r', n, n || '  ', 'f' FROM generate_series(1, 12) AS n")
    both.sql(f"CREATE TABLE there.things {table.format('varchar(4)', 'char(4)')}")
    both.sql("UPDATE here.things SET note = 'abc  ' WHERE number = 7")
    settings = kind(batch_size=5, on_reject={"policy": "quarantine"})
    for expected in ({"read": 12, "inserted": 11, "rejected": 1}, {"read": 12, "unchanged": 11, "rejected": 1}):
        job = run(settings)
        assert (job.status, counts(job)) == ("finished", expected), job.failure
        assert Reject.objects.get(job=job).code == "value_too_long"
    both.sql("UPDATE here.things SET note = 'abc ' WHERE number = 7")
    assert counts(run(settings)) == {"read": 12, "inserted": 1, "unchanged": 11}
    both.sql("UPDATE here.things SET note = 'abc   ' WHERE number = 7")
    assert counts(run(settings)) == {"read": 12, "unchanged": 11, "rejected": 1}
    assert both.sql("SELECT note || '.' FROM there.things WHERE number = 7") == [("abc .",)]


@pytest.mark.parametrize("kind", [job_type, one_by_one])
def test_not_a_number_becomes_null_where_the_mapping_says_so(both: Databases, kind: Any) -> None:
    table = "(region text, number int, ratio float8, PRIMARY KEY (region, number))"
    both.sql(f"CREATE TABLE here.things {table}")
    both.sql("INSERT INTO here.things VALUES ('r', 1, 0.5), ('r', 2, 'NaN'), ('r', 3, '-Infinity'), ('r', 4, 1e300)")
    mapping: list[dict[str, Any]] = [{"to": name, "from": name} for name in ("region", "number", "ratio")]
    mapping[2]["transforms"] = [{"op": "null_if", "values": ["NaN", "Infinity", "-Infinity"]}]
    settings = kind(mapping=mapping)
    for expected in ({"read": 4, "inserted": 4}, {"read": 4, "unchanged": 4}):
        assert counts(run(settings)) == expected
    assert both.sql("SELECT ratio FROM there.things ORDER BY number") == [(0.5,), (None,), (None,), (1e300,)]


def test_incremental_run_is_copied_and_moves_the_cursor_as_ever(both: Databases) -> None:
    fill(both)
    both.sql("UPDATE here.things SET seen = '2024-01-01'::timestamptz + (number % 3) * interval '1 day'")
    both.sql("UPDATE here.things SET seen = NULL WHERE number = 20")
    settings: dict[str, Any] = {"extent": "incremental", "cursor": {"field": "seen"}, "batch_size": 6}
    results = []
    for kind in (job_type(**settings), one_by_one(**settings)):
        both.sql("DROP TABLE IF EXISTS there.things", "UPDATE here.things SET code = 'c' WHERE number = 1")
        first = run(kind)
        both.sql("UPDATE here.things SET code = 'new', seen = '2024-01-05' WHERE number = 1")
        second = run(kind)
        both.sql("UPDATE here.things SET seen = '2024-01-02' WHERE number = 1")
        results.append((first, second, both.things()))
    for ours, theirs in zip(*(result[:2] for result in results), strict=True):
        assert_alike(both, ours, theirs, results[0][2])
    assert counts(results[0][0]) == {"read": 19, "inserted": 19}
    assert counts(results[0][1])["updated"] == 1


@pytest.mark.parametrize(
    ("source", "target", "keys"), [("text", "integer", ("1", "01")), ("numeric", "numeric(10, 0)", ("1.2", "1.4"))]
)
def test_keys_that_only_the_target_takes_for_the_same_are_written_once(
    both: Databases, source: str, target: str, keys: tuple[str, str]
) -> None:
    """No unique index of the target would refuse the second one."""
    both.sql(f"CREATE TABLE here.things (id {source} PRIMARY KEY, note text)")
    both.sql(f"INSERT INTO here.things VALUES ('{keys[0]}', 'first'), ('{keys[1]}', 'last')")  # noqa: S608
    both.sql(f"CREATE TABLE there.things (id {target} NOT NULL, note text)", "INSERT INTO there.things VALUES (77)")
    job = run(job_type(key=["id"]))
    assert (job.status, counts(job)) == ("finished", {"read": 2, "inserted": 1, "duplicates": 1}), job.failure
    assert len(both.things()) == 2


@pytest.mark.parametrize("kind", [job_type, one_by_one])
def test_key_of_json_texts_is_read_to_its_end(both: Databases, kind: Any) -> None:
    both.sql("CREATE TABLE here.things (id jsonb PRIMARY KEY)")
    both.sql("INSERT INTO here.things SELECT to_jsonb('key ' || n) FROM generate_series(1, 20) AS n")
    job = run(kind(key=["id"], batch_size=7))
    assert (job.status, counts(job)) == ("finished", {"read": 20, "inserted": 20}), job.failure
    assert both.things() == both.things("here")


def test_empty_target_with_policies_is_loaded_by_inserts(both: Databases) -> None:
    both.sql("CREATE TABLE here.things (id integer PRIMARY KEY)", "INSERT INTO here.things VALUES (1), (2)")
    both.sql("CREATE TABLE there.things (id integer PRIMARY KEY)", "ALTER TABLE there.things ENABLE ROW LEVEL SECURITY")
    both.sql(
        "CREATE POLICY everything ON there.things USING (true)", "CREATE ROLE policed LOGIN PASSWORD 'quince-5521'"
    )
    try:
        both.sql("GRANT ALL ON SCHEMA there TO policed", "GRANT ALL ON there.things TO policed")
        connector = Connector.objects.get(slug="there")
        shape = {"slug": "policed", "kind": "postgres", "config": connector.config | {"user": "policed"}}
        save_connector(connector_from_shape(shape | {"credentials": {"password": "quince-5521"}}))
        stream = {"source": "things", "target": "things", "key": ["id"], "mode": "upsert"}
        shape = {"slug": "policed", "name": "policed", "source_connector": "here", "target_connector": "policed"}
        job = run(save_job_type(job_type_from_shape(shape | {"config": {"streams": [stream]}}), actor="test"))
        assert (job.status, counts(job)) == ("finished", {"read": 2, "inserted": 2}), job.failure
    finally:
        both.sql("DROP OWNED BY policed", "DROP ROLE policed")


@pytest.mark.parametrize("policy", ["stop", "quarantine"])
@pytest.mark.parametrize("kind", [job_type, one_by_one])
def test_masked_value_that_the_target_refuses_is_told_nowhere(both: Databases, kind: Any, policy: str) -> None:
    both.sql("CREATE TABLE here.things (id integer PRIMARY KEY, pin text)")
    both.sql("INSERT INTO here.things VALUES (1, '12'), (2, 'quincemask')")
    both.sql("CREATE TABLE there.things (id integer PRIMARY KEY, pin integer)")
    found = kind(key=["id"], on_reject={"policy": policy})
    found.config["masked_fields"] = ["pin"]
    job = run(save_job_type(found, actor="test"))
    assert counts(job) == ({} if policy == "stop" else {"read": 2, "inserted": 1, "rejected": 1}), job.failure
    told = [line.message for line in JobLog.objects.filter(job=job)]
    told += [str(job.failure), job.error_message, *Reject.objects.values_list("message", flat=True)]
    assert not [text for text in told if "quincemask" in text]
    if policy == "stop":
        assert (job.failure or {})["message"] == (
            "things: record id=2: pin has a masked value that does not fit (invalid_value)"
        )
