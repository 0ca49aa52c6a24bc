"""The exported page as text: whole, safe, and without a way out."""

import json
import re

from backend.schemas.events import Envelope, Finished, Started
from backend.schemas.run import Run, TrainRequest
from frontend.app import ASSETS
from frontend.exported import STYLES, as_page, render, scripts
from frontend.panels.registry import PANELS

NASTY = "</script><script>alert(1)</script>"
RUN = Run(
    id="0" * 15, kind="train", name=NASTY, status="succeeded", created="2026-01-01T00:00:00Z",
    request=TrainRequest(name=NASTY).to_json(),
)  # fmt: skip


def written() -> str:
    events = (
        Started(device="cpu", dtype="float32", parameters=1, examples=1, lanes=(NASTY,)),
        Finished(status="succeeded", seconds=1.0),
    )
    texts = [Envelope(run=RUN.id, seq=i + 1, at=RUN.created, event=event).encode() for i, event in enumerate(events)]
    return "".join(as_page([(RUN, texts)], {"curves.scale": "log"}, "1.2.3"))


def test_nothing_in_it_leads_out_and_nothing_breaks_out() -> None:
    page = written()
    assert NASTY not in page
    assert page.count("<script") == page.count("</script>")
    assert not re.search(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=", page)
    assert "@import" not in page
    data = dict(re.findall(r'<script type="application/json" id="([\w-]+)">(.*?)</script>', page, re.DOTALL))
    assert [each["event"]["kind"] for each in json.loads(data["gradscape-log"])] == ["started", "finished"]
    assert json.loads(data["gradscape-runs"])[0]["name"] == NASTY
    assert json.loads(data["gradscape-view"]) == {"runs": [RUN.id], "choices": {"curves.scale": "log"}}
    assert "Gradscape 1.2.3 · seed 0 · 2026-01-01" in page


def test_its_parts_are_there() -> None:
    for name in (*scripts(), *STYLES):
        assert (ASSETS / name).is_file()
        assert "</script" not in (ASSETS / name).read_text("utf-8")


def test_a_panel_without_a_server_has_its_picture_and_its_choices_alone() -> None:
    for view in PANELS:
        text = render(view.layout())
        for graph in view.panel.graphs:
            assert f'data-graph="{graph.name}"' in text
        for choice in view.panel.choices:
            assert text.count(f'data-choice="{view.panel.name}.{choice.name}"') == len(choice.options)
        assert "data-tool" not in text
        assert "gs-docs" not in text
