"""A small campaign of ``tests/faults/kills.py``: a few deaths at random moments, nothing lost."""

from pathlib import Path

from tests.faults.kills import campaign

SEED = 0  # one worker, then one server


def test_nothing_is_lost_when_workers_and_servers_are_killed(tmp_path: Path) -> None:
    found = campaign(tmp_path / "data", kills=2, seed=SEED, haste=3.0)
    assert found.wrong == []
    assert found.kills == {"worker": 1, "server": 1}
    assert found.seen == found.events > 0
    assert found.compared > 0
