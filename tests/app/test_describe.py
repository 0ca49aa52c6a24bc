"""The command line's help for requests is made from the specs."""

import json

import pytest

from app.cli import main
from app.describe import FAMILIES, describe

EACH = [(family, kind) for family, kinds in FAMILIES.items() for kind in kinds]


@pytest.mark.parametrize(("family", "kind"), EACH)
def test_every_field_is_described(family, kind):
    text = describe(family, kind)
    model = FAMILIES[family][kind]
    for name, field in model.model_fields.items():
        assert f"  {name} " in text
        assert field.description is None or field.description in text
    schema = json.loads(describe(family, kind, as_json=True))
    assert set(schema["properties"]) == set(model.model_fields)


def test_bounds_unit_and_default_are_shown():
    text = describe("request", "train")
    line = next(line for line in text.splitlines() if line.startswith("  steps "))
    assert line.split(None, 1)[1] == "integer; ≥ 1, ≤ 10,000,000; steps; default 300"


def test_lists(capsys):
    assert main(["describe"]) == 0
    assert "sgd · rmsprop · adagrad · adadelta · adam · adamw" in capsys.readouterr().out
    assert main(["describe", "optimizer"]) == 0
    assert "Running means of the gradient" in capsys.readouterr().out
    assert main(["describe", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == set(FAMILIES)


@pytest.mark.parametrize("names", [["optimiser"], ["optimizer", "magic"]])
def test_unknown_names_say_what_there_is(capsys, names):
    assert main(["describe", *names]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"got {names[-1]!r}" in printed.err
    assert "adam" in printed.err or "optimizer" in printed.err
