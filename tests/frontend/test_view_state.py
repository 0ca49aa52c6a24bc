"""The view survives the address and the page's store."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.schemas.ids import ALPHABET, new_run_id
from frontend.state import MOST_RUNS, View

ids = st.text(ALPHABET, min_size=15, max_size=15)
words = st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True)
choices = st.dictionaries(st.builds("{}.{}".format, words, words), st.text(max_size=12), max_size=5)
views = st.builds(View.make, st.lists(ids, max_size=MOST_RUNS, unique=True), choices)


@given(views)
def test_the_address_shows_the_same_view(view: View) -> None:
    assert View.from_query(view.query()) == view


@given(views)
def test_the_store_holds_the_same_view(view: View) -> None:
    assert View.from_store(view.store()) == view


@given(st.text())
def test_any_address_is_a_view(query: str) -> None:
    view = View.from_query(query)
    assert View.from_query(view.query()) == view


def test_the_order_of_runs_is_kept() -> None:
    runs = [new_run_id() for _ in range(3)]
    assert View.from_query(f"?runs={','.join(reversed(runs))}").runs == tuple(reversed(runs))


def test_an_empty_view_has_no_query() -> None:
    assert View().query() == ""


@pytest.mark.parametrize(
    "query",
    [
        "?runs=<script>",
        "?runs=../../etc",
        "?other=1",
        "?runs=",
        "?UPPER.case=1",
        "?runs=" + quote("a b,c"),
        "%%%=&&",
        "?",
    ],
)
def test_what_makes_no_sense_is_left_out(query: str) -> None:
    assert View.from_query(query) == View()


def test_a_run_is_shown_once_and_eight_at_most() -> None:
    runs = [new_run_id() for _ in range(12)]
    assert View.make([runs[0], *runs], {}).runs == tuple(runs[:MOST_RUNS])
