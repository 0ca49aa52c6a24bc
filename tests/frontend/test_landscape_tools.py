"""What the landscape's tools ask for is what the API takes."""

import json

import pytest
from pydantic import TypeAdapter

from backend.schemas.analysis import AnyAnalysis
from frontend.panels.connectivity.figure import WAYS
from frontend.panels.landscape.tools import LOOKS, PATHS

ANALYSIS: TypeAdapter[AnyAnalysis] = TypeAdapter(AnyAnalysis)


@pytest.mark.parametrize("offered", [*LOOKS, *PATHS], ids=lambda offered: offered["value"])
def test_every_offer_is_an_analysis(offered):
    lanes = (
        {"rules": [{"name": "SGD", "optimizer": {"kind": "sgd"}}]} if "rules" in offered["analysis"] else {}
    )  # the page fills in the lanes' rules
    asked = ANALYSIS.validate_json(json.dumps(offered["analysis"] | lanes))
    assert asked.kind == offered["analysis"]["kind"]
    assert offered["label"]
    assert offered["summary"].endswith(".")


def test_names_differ_and_every_path_is_offered_and_drawn():
    for offers in (LOOKS, PATHS):
        assert len({offered["value"] for offered in offers}) == len(offers)
    specs = [ANALYSIS.validate_json(json.dumps(offered["analysis"])) for offered in PATHS]
    assert {path for spec in specs for path in (spec.path, *spec.beside)} == {way.path for way in WAYS}
