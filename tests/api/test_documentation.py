"""The API's own description: complete, and served without anything from elsewhere."""

import re

import pytest

ROUTES = {
    ("get", "/api/health"), ("get", "/api/metrics"), ("get", "/api/catalog"), ("get", "/api/stream"),
    ("get", "/api/runs"), ("post", "/api/runs"), ("post", "/api/runs/import"),
    ("post", "/api/runs/estimate"), ("post", "/api/checkpoints/{name}/match"),
    ("get", "/api/runs/{run}"), ("patch", "/api/runs/{run}"), ("delete", "/api/runs/{run}"),
    ("post", "/api/runs/{run}/control"), ("post", "/api/runs/{run}/resume"), ("get", "/api/runs/{run}/events"),
    ("get", "/api/runs/{run}/snapshots"), ("get", "/api/runs/{run}/export"),
    ("get", "/api/checkpoints"), ("put", "/api/checkpoints/{name}"), ("delete", "/api/checkpoints/{name}"),
    ("post", "/api/recordings"), ("post", "/api/recordings/{run}/events"), ("post", "/api/recordings/{run}/finish"),
    ("post", "/api/recordings/{run}/snapshots"),
}  # fmt: skip


@pytest.fixture
def document(ask):
    return ask("GET", "/api/openapi.json").json()


def test_every_route_of_the_contract_is_described(document):
    assert {(method, path) for path, methods in document["paths"].items() for method in methods} == ROUTES


def test_every_reference_leads_somewhere(document):
    wanted = set(re.findall(r"#/components/schemas/([^'\"]+)", str(document)))
    assert wanted <= set(document["components"]["schemas"])
    assert {"TrainRequest", "AnalyseRequest", "SgdOptimizer", "Envelope", "Run", "ErrorBody"} <= wanted


def test_every_parameter_has_a_meaning(document):
    for path, methods in document["paths"].items():
        for method, route in methods.items():
            assert route["description"], (method, path)
            for parameter in route.get("parameters", ()):
                assert parameter.get("description") or parameter["in"] == "path", (method, path, parameter["name"])


def test_the_page_shows_every_route_and_schema_and_fetches_nothing(ask, document):
    answer = ask("GET", "/api/docs")
    assert answer.headers["content-type"].startswith("text/html")
    page = answer.text
    for method, path in ROUTES:
        assert f"<code>{method.upper()} {path}</code>" in page
    for name in document["components"]["schemas"]:
        assert f'id="{name}"' in page
    assert "Learning rate η: the size of a step." in page
    assert not re.search(r"<script|<link|@import|url\(|\bsrc=", page)
    assert set(re.findall(r'href="([^"#][^"]*)"', page)) == {"/api/openapi.json"}
