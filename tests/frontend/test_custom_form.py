"""The form of a problem of the user's own: made from the file's entry, offered where there is one."""

from form_reader import answers, controls, walk

from backend.schemas.problem.custom import CustomEntry, CustomParameter
from backend.schemas.run import REQUEST
from frontend.components.draft import Draft, kind_at, with_family, with_kind
from frontend.components.problem_form import problem_form
from frontend.presets import PRESETS

WIDTH = CustomParameter(name="width", reads="integer", default=8, help="Units.", low=1, high=64, unit="units")
KIND = CustomParameter(name="kind_of_it", reads="choice", default="a", help="Which.", choices=("a", "b"))
MINE = CustomEntry(name="mine", title="Mine", summary="Of mine.", parameters=(WIDTH, KIND), size=33, examples=50)
ENTRIES = (MINE, CustomEntry(name="other", title="Other", summary="Another.", examples=500))


def text_of(form: object) -> str:
    return " ".join(str(part.children) for part in walk(form) if isinstance(getattr(part, "children", None), str))


def test_the_files_problems_are_offered_where_there_are_any() -> None:
    problem = PRESETS[0].request["problem"]
    labels = [
        [each["label"] for part in walk(problem_form(Draft.of({"problem": problem}).request["problem"], entries))
         if type(part).__name__ == "SegmentedControl" for each in part.data]
        for entries in ((), ENTRIES)
    ]  # fmt: skip
    assert labels == [["Data", "Function", "Equation"], ["Data", "Function", "Equation", "Own"]]


def test_the_settings_are_the_fields_and_their_answers_come_back() -> None:
    draft = with_family(Draft.of(PRESETS[0].request), "custom", ENTRIES)
    form = problem_form(draft.request["problem"], ENTRIES)
    assert set(controls(form)) == {
        "problem.custom.kind", "problem.custom.parameters.width", "problem.custom.parameters.kind_of_it",
    }  # fmt: skip
    assert "Of mine. 33 parameters, 50 examples" in text_of(form)
    given = [(path, 16 if path.endswith("width") else value) for path, value in answers(form)]
    (request,) = draft.answered(given[1:]).requests()
    assert request["problem"] == {"custom": {"name": "mine", "parameters": {"width": 16, "kind_of_it": "a"}}}
    assert request["batch_size"] == 50
    assert REQUEST.validate_python(request, strict=False)


def test_another_problem_brings_its_own_settings() -> None:
    draft = with_family(Draft.of(PRESETS[0].request), "custom", ENTRIES)
    changed = with_kind(draft, "problem.custom", "other", ENTRIES)
    assert kind_at(changed.request, "problem.custom") == "other"
    assert changed.request["problem"] == {"custom": {"name": "other", "parameters": {}}}


def test_a_stored_run_of_another_servers_problem_says_what_is_missing() -> None:
    form = problem_form({"custom": {"name": "gone", "parameters": {"depth": 2}}})
    assert set(controls(form)) == {"problem.custom.kind"}
    assert "This server has no problem gone: start it with --problems" in text_of(form)
