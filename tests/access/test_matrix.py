"""Every address x role x method, against the table in expected.txt; what a new address lacks there is printed."""

from __future__ import annotations

import pytest

from tests.access.addresses import routes
from tests.access.observing import Observed, usual
from tests.access.table import PATH, lines_of, read_table

pytestmark = pytest.mark.django_db


def test_every_address_answers_everybody_as_the_table_says(observed: Observed) -> None:
    expected = read_table()
    told = {line: classes for line, classes in observed.answers.items() if line in expected or classes != usual(*line)}
    new, gone = told.keys() - expected.keys(), expected.keys() - told.keys()
    other = {line for line in told.keys() & expected.keys() if told[line] != expected[line]}
    mend = [
        *(f"add: {text}" for text in lines_of({line: told[line] for line in new})),
        *(f"has: {text}" for text in lines_of({line: expected[line] for line in other})),
        *(f"now: {text}" for text in lines_of({line: told[line] for line in other})),
        *(f"remove: {text}" for text in lines_of({line: expected[line] for line in gone})),
    ]
    assert not mend, f"\n{PATH.name} is not what is answered. If that is right, mend it:\n" + "\n".join(mend)


def test_every_address_has_a_line() -> None:
    assert {route for route, _ in read_table()} == set(routes())


def test_a_post_without_the_token_of_its_form_is_refused_wherever_one_may_post(observed: Observed) -> None:
    """At hooks/ programs prove by a signature who they are; livez answers whatever is asked, and / leads to /admin/."""
    assert observed.forged.keys() <= {"hooks/<str:public_id>/", "livez", ""}


def test_no_address_names_what_is_granted_to_others(observed: Observed) -> None:
    assert observed.leaked == {}


def test_reading_any_address_changes_nothing(observed: Observed) -> None:
    assert observed.written == {}
