"""Templates filled for whole columns give what they give for one record after the other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from syncjobs.mapping.templates import compile_template, fill_columns, read_template

PIECES = st.sampled_from(["", "-", "%", "%s", "{{", "}}", "ü", "\\", "%(a)s"])
PLAIN_TEXTS = st.text("ab%{\\\t\n", max_size=3)
VALUES = st.none() | st.text("ab %s{\\\t\0ü😀", max_size=4) | st.integers(0, 9) | st.just("\ud800") | st.just(b"a")


@given(st.lists(st.tuples(PIECES, st.sampled_from("ab")), min_size=1, max_size=4), PIECES, st.data())
def test_columns_filled_at_once_are_as_if_filled_one_by_one(
    parts: list[tuple[str, str]], end: str, data: st.DataObject
) -> None:
    template = read_template("".join(f"{text}{{{name}}}" for text, name in parts) + end)
    values = data.draw(st.sampled_from([VALUES, PLAIN_TEXTS]))
    columns = [data.draw(st.lists(values, min_size=3, max_size=3)) for _ in template.columns]
    are_plain = all(isinstance(one, str) and one.isascii() and "\0" not in one for column in columns for one in column)
    fill, filled = compile_template(template), fill_columns(template, columns)
    assert (filled is not None) == are_plain
    assert filled is None or filled == [fill(values) for values in zip(*columns, strict=True)]
