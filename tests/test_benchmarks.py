"""The frame of the benchmarks: figures, files, and the README's table. Nothing is timed here."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import fan_out, record, table

SAMPLES = {"ours": [2.0, 1.0, 9.0], "theirs": [4.0, 1.0, 4.0]}


def test_a_ratio_is_that_of_the_medians() -> None:
    figure = record.ratio("work", SAMPLES, "ours", "theirs", goal=0.5)
    assert figure.value == 0.5
    assert figure.met
    assert figure.samples == SAMPLES
    assert not record.ratio("work", SAMPLES, "theirs", "ours", goal=1.3).met


def test_faster_is_the_ratio_to_the_faster_peer() -> None:
    figure = record.faster("work", {**SAMPLES, "slow": [8.0]}, "ours", ["theirs", "slow"], goal=2.0)
    assert figure.value == 2.0
    assert figure.met
    assert not record.faster("work", SAMPLES, "ours", ["theirs"], goal=2.1).met


def test_sides_take_turns_after_one_untimed_call_each() -> None:
    called: list[str] = []
    samples = record.in_turn({"a": lambda: called.append("a"), "b": lambda: called.append("b")}, repeats=3)
    assert "".join(called) == "ab" + "ab" * 3
    assert {name: len(seconds) for name, seconds in samples.items()} == {"a": 3, "b": 3}


def test_results_say_where_they_come_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "RESULTS", tmp_path)
    path = record.write("train_overhead", "Training", [record.median("waiting", [3.0, 1.0, 2.0], 1.5)], threads=2)
    result = json.loads(path.read_text("utf-8"))
    assert result["seed"] == 0
    assert result["threads"] == 2
    assert result["machine"]["versions"]["torch"]
    assert result["machine"]["cores"] >= 1
    assert result["figures"] == [
        {
            "what": "waiting",
            "value": 2.0,
            "unit": "s",
            "goal": 1.5,
            "samples": {"seconds": [3.0, 1.0, 2.0]},
            "more_is_better": False,
            "met": False,
        }
    ]
    written = table.table(table.results(tmp_path))
    assert "| waiting | 2 s | ≤ 1.5 s | no |" in written
    assert f"torch {result['machine']['versions']['torch']}." in written


def test_a_figure_without_a_goal_is_only_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figure = record.faster("work", SAMPLES, "ours", ["theirs"], goal=None)
    assert figure.met is None
    monkeypatch.setattr(record, "RESULTS", tmp_path)
    record.write("planes", "Planes", [figure])
    assert "| work | 2 × | – | – |" in table.table(table.results(tmp_path))


def test_the_readme_takes_the_table_between_its_marks() -> None:
    readme = f"before\n{table.BEGIN}old\n{table.END}after\n"
    assert table.renewed(readme, "new\n") == f"before\n{table.BEGIN}new\n{table.END}after\n"


def test_the_readme_shows_what_was_measured() -> None:
    readme = table.README.read_text("utf-8")
    assert table.BEGIN in readme
    assert table.renewed(readme, table.table(table.results())) == readme, "run python -m benchmarks.table"


@pytest.mark.parametrize("bench", table.BENCHES)
def test_every_benchmark_can_be_loaded_and_run(bench: str) -> None:
    module = importlib.import_module(f"benchmarks.{bench}")
    assert callable(module.main)


def test_every_record_is_of_a_benchmark() -> None:
    assert {path.stem for path in record.RESULTS.glob("*.json")} <= set(table.BENCHES)


def test_readers_that_are_too_slow_end_up_at_the_store_and_the_others_never_do() -> None:
    rate = 40.0
    quick = fan_out.crowd(np.full(10, 2 * rate), rate, seconds=100.0)
    assert (quick.live, quick.store, quick.queries) == (1.0, 0.0, 0.0)
    # Half a rate too slow: 4096 rows behind after 205 s; from then on it asks for its own pace, a page at a time.
    mixed = fan_out.crowd(np.array([2 * rate, rate / 2]), rate, seconds=1000.0, tick=1.0)
    assert (mixed.live, mixed.store) == (0.5, 0.5)
    assert mixed.queries == 1.0
    assert mixed.farthest == pytest.approx(1000.0 * rate / 2)


def test_what_many_readers_take_grows_with_them() -> None:
    measured = fan_out.Prices(store=1e-3, give=1e-5, size=4000.0)
    one, many = (fan_out.extrapolated(measured, readers, slow=0.0) for readers in (1, 10_000))
    assert one["cores"] == pytest.approx(20 * (1e-3 + 1e-5))
    assert many["cores"] == pytest.approx(20 * (1e-3 + 0.1))
    assert many["Mbit/s"] == pytest.approx(20 * 4000 * 10_000 * 8 / 1e6)
    assert many["queries/s"] == many["from the store"] == 0.0
