"""The store against a plain list: whatever is asked of it, in whatever order, closed and opened again in between."""

import itertools
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from backend.jobs.errors import Conflict, NotFound
from backend.jobs.sqlite_store import SqliteStore
from backend.jobs.store import EventFilter, Row
from backend.schemas.events import AnyEvent, Envelope, Eval, Progress
from backend.schemas.ids import new_run_id
from backend.schemas.run import Run

KINDS = ((), ("eval",), ("progress",), ("eval", "progress"))
LANES = (None, "SGD", "Adam · ½")
EVENTS = st.one_of(
    st.builds(Progress, phase=st.just("counting"), done=st.integers(0, 9), total=st.just(9)),
    st.builds(
        Eval, split=st.just("train"), loss=st.floats(), accuracy=st.none(),
        lane=st.sampled_from(LANES), step=st.none() | st.integers(0, 9),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Told:
    """An event as the plain list keeps it."""

    run: str
    seq: int
    event: AnyEvent


class PlainStore(RuleBasedStateMachine):
    """Does everything twice: with the store, and with a list."""

    @initialize()
    def opened(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.store = SqliteStore(self.folder / "runs.sqlite")
        self.runs: list[Run] = []
        self.told: list[Told] = []
        self.rows: list[int] = []  # every row number there ever was

    def of(self, pick: int) -> Run | None:
        return self.runs[pick % len(self.runs)] if self.runs else None

    def last(self, run: Run) -> int:
        return max((told.seq for told in self.told if told.run == run.id), default=0)

    @rule()
    def create(self) -> None:
        run = Run(id=new_run_id(), kind="train", name="a run", status="queued", created="now", request={})
        assert self.store.create(run) == run
        self.runs.append(run)

    @rule(
        pick=st.integers(0, 99),
        events=st.lists(EVENTS, min_size=1, max_size=12),
        off=st.sampled_from((0, 0, 0, 0, -1, 1, 3)),
    )
    def append(self, pick: int, events: list[AnyEvent], off: int) -> None:
        run = self.of(pick)
        if run is None:
            return
        first = self.last(run) + 1 + off
        if off:
            with pytest.raises(Conflict):
                self.store.append(run.id, first, events)
            return
        made = self.store.append(run.id, first, events)
        assert [row.seq for row in made] == list(range(first, first + len(events)))
        self.told += [Told(run.id, first + i, event) for i, event in enumerate(events)]
        for row in made:
            assert row.row > max(self.rows, default=0)
            self.rows.append(row.row)

    @rule(pick=st.integers(0, 99), name=st.text(max_size=5))
    def rename(self, pick: int, name: str) -> None:
        run = self.of(pick)
        if run is not None:
            changed = self.store.update(run.id, name=name)
            self.runs[self.runs.index(run)] = changed.model_copy(update={"last_seq": 0})

    @precondition(lambda self: len(self.runs) > 2)
    @rule(pick=st.integers(0, 99))
    def delete(self, pick: int) -> None:
        run = self.of(pick)
        if run is None:
            return
        self.store.delete(run.id)
        self.runs.remove(run)
        self.told = [told for told in self.told if told.run != run.id]
        with pytest.raises(NotFound):
            self.store.update(run.id, name="nobody")

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = SqliteStore(self.folder / "runs.sqlite")

    @rule(pick=st.integers(0, 99), after=st.integers(0, 6), limit=st.integers(1, 9), step_to=st.integers(0, 9))
    def read(self, pick: int, after: int, limit: int, step_to: int) -> None:
        run = self.of(pick)
        if run is None:
            return
        for kinds, lane, to, last in itertools.product(KINDS, LANES, (None, step_to), (None, 2)):
            fits = [
                told for told in self.told
                if told.run == run.id and told.seq > after and (not kinds or told.event.kind in kinds)
                and (lane is None or getattr(told.event, "lane", None) == lane)
                and (to is None or (step := getattr(told.event, "step", None)) is None or step <= to)
            ]  # fmt: skip
            which = EventFilter(after=after, limit=limit, kinds=kinds, lane=lane, step_to=to, last=last)
            same(self.store.read(run.id, which), fits[:limit] if last is None else fits[-min(last, limit) :])

    @rule(after=st.integers(0, 30), limit=st.integers(1, 9), kinds=st.sampled_from(KINDS), some=st.booleans())
    def tail(self, after: int, limit: int, kinds: tuple[str, ...], some: bool) -> None:
        asked = tuple(run.id for run in self.runs[::2]) if some else None
        found = self.store.tail(None, (), 0, 10_000)
        fits = [
            told for told, row in zip(self.told, found, strict=True)
            if row.row > after and (not kinds or told.event.kind in kinds) and (asked is None or told.run in asked)
        ]  # fmt: skip
        same(self.store.tail(asked, kinds, after, limit), fits[:limit])

    @invariant()
    def all_is_there(self) -> None:
        same(self.store.tail(None, (), 0, 10_000), self.told)
        page, cursor = self.store.page(status=None, kind=None, tag=None, limit=1000, cursor=None)
        assert cursor is None
        expected = [run.model_copy(update={"last_seq": self.last(run)}) for run in self.runs]
        assert sorted(page, key=lambda run: run.id) == sorted(expected, key=lambda run: run.id)

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)


def same(rows: list[Row], told: list[Told]) -> None:
    """Compare rows with what the list keeps, events as they go on the wire, so that NaN equals NaN."""
    assert [(row.run, row.seq, row.kind) for row in rows] == [(each.run, each.seq, each.event.kind) for each in told]
    assert [Envelope.decode(row.text).event.encode() for row in rows] == [each.event.encode() for each in told]


class TestPlainStore(PlainStore.TestCase):  # type: ignore[misc, name-defined]
    """Twenty stories of fifteen deeds."""

    settings = settings(
        max_examples=20, stateful_step_count=15, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
