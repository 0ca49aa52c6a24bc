"""The line beside Start: what a run would take, in few words."""

import json

from backend.jobs.costs.estimate import estimate
from backend.jobs.costs.limits import Limits
from backend.schemas.run import REQUEST
from frontend.components.estimate_line import estimate_line
from frontend.presets import PRESETS

ASKED = [REQUEST.validate_json(json.dumps(preset.request)) for preset in PRESETS[:3]]
FOUND = [estimate(request, request.problem) for request in ASKED if request.problem is not None]


def test_it_says_time_and_memory_and_on_what_they_are_spent() -> None:
    line = estimate_line(FOUND[:1])
    assert line.children == "about 15 s on one worker, 470 MB"
    assert line.title.startswith("3,466 parameters, 1,500 examples; computing: ")
    assert "training 1 s" in line.title


def test_it_says_how_many_workers_could_share_it() -> None:
    probed, bare = ASKED[0], ASKED[0].model_copy(update={"probes": (), "pace": None})
    assert probed.problem is not None
    assert "share" not in estimate_line([estimate(probed, probed.problem)]).title
    title = estimate_line([estimate(bare, probed.problem)]).title
    assert title.endswith("; up to 4 workers share it if they are idle (serve --workers 3 or more)")


def test_several_runs_take_the_sum_of_times_and_the_largest_memory() -> None:
    line = estimate_line(FOUND)
    assert line.children == "about 45 s on one worker, 470 MB"
    assert line.title.startswith("3 runs; of the first 3,466 parameters")


def test_what_is_too_large_says_so_and_what_to_lower() -> None:
    found = FOUND[0]
    refused = Limits(hours=1e-6).refusal(found)
    assert refused is not None
    line = estimate_line([found.model_copy(update={"refused": refused.detail})])
    assert line.children == "too large: 2 s, 470 MB"
    assert "GRADSCAPE_MAX_HOURS" in line.title


def test_a_guess_is_called_one() -> None:
    assert estimate_line([FOUND[0].model_copy(update={"known": False})]).children.startswith("perhaps about")
