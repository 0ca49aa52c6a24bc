"""A few requests of each operation, drawn from the OpenAPI document; the full number is a script beside this."""

from pathlib import Path

import pytest

from tests.api.schema_cases import play

EACH = 12


# What the tool's own libraries warn of is not ours to mend.
@pytest.mark.filterwarnings("ignore")
def test_every_answer_is_as_documented(tmp_path: Path) -> None:
    found = play(EACH, tmp_path)
    assert found.wrong == {}
    assert found.cases > 10 * EACH
    statuses = {status for _, status in found.answers}
    assert max(statuses) < 500
    assert {200, 404, 422} <= statuses, "what is asked is neither always right nor always wrong"
