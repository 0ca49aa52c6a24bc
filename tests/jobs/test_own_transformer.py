"""The example's transformer in the panels that ask most of a model: Gauss–Newton spectrum, learning-rate sweep."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.func import functional_call, jacrev
from torch.nn import functional as F

from backend.jobs.custom_file import read_definitions, try_file
from backend.jobs.feed import Feed
from backend.jobs.inline import InlineEngine
from backend.jobs.service import Service
from backend.jobs.sqlite_store import SqliteStore
from backend.jobs.store import EventFilter
from backend.schemas.events import Envelope
from backend.schemas.run import REQUEST

EXAMPLE = Path(__file__).parents[2] / "examples/own_problems.py"
SMALL = {"context": 3, "width": 4, "heads": 1, "sentences": 5}
PROBLEM = {"custom": {"name": "small_transformer", "parameters": SMALL}}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    store = SqliteStore(":memory:")
    made = Service(store, InlineEngine(), Feed(store), tmp_path_factory.mktemp("own"), custom=try_file(EXAMPLE))
    yield made
    made.close()


def module() -> torch.nn.Module:
    """The plain module at the point that seed 0 gives."""
    from backend.core.problems.custom.build import build_custom
    from backend.schemas.problem.custom import Custom

    known = {each.entry.name: each for each in read_definitions(EXAMPLE)}
    net = build_custom(
        Custom(name="small_transformer", parameters=SMALL), known.__getitem__, torch.float64, torch.device("cpu")
    )
    made = known["small_transformer"].fit(SMALL).model().double()
    made.load_state_dict(net.layout.unflatten(net.params0(0)[0]), strict=False)
    made.train_split = net.train  # type: ignore[assignment]
    return made


def told(service: Service, analysis: dict[str, Any], kind: str) -> list[Any]:
    request = {"kind": "analyse", "problem": PROBLEM, "dtype": "float64", "analysis": analysis}
    run = service.wait(service.submit(REQUEST.validate_json(json.dumps(request))).id)
    assert run.status == "succeeded", run.error
    rows, _ = service.events(run.id, EventFilter(kinds=(kind,), limit=1000))
    return [Envelope.decode(row.text).event for row in rows]


def test_the_spectrum_of_the_gauss_newton_matrix_is_that_of_the_dense_one(service: Service) -> None:
    net = module()
    data: Any = net.train_split
    params = {name: each.detach() for name, each in net.named_parameters()}
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        rows = jacrev(lambda values: functional_call(net, values, (data.x,)))(params)
        scores_NC = functional_call(net, params, (data.x,)).detach()
    jac_NCP = torch.cat([each.flatten(2) for each in rows.values()], 2)
    shares_NC = scores_NC.softmax(1)
    inner_NCC = torch.diag_embed(shares_NC) - shares_NC[:, :, None] * shares_NC[:, None, :]
    dense_PP = torch.einsum("ncp,ncd,ndq->pq", jac_NCP, inner_NCC, jac_NCP) / len(data.x)
    expected = torch.linalg.eigvalsh(dense_PP).flip(0)[:3].numpy()
    asked = {"kind": "spectrum", "matrix": "gauss_newton", "outliers": 3, "steps": 20, "probes": 20}
    found = [each for each in told(service, asked, "eigenvalues") if each.matrix == "gauss_newton"][-1]
    np.testing.assert_allclose(found.values, expected, rtol=2e-3)
    spectrum = told(service, asked, "spectrum")[-1]
    assert spectrum.matrix == "gauss_newton"
    assert abs(spectrum.trace - float(dense_PP.trace())) < 5 * spectrum.trace_stderr
    width = spectrum.grid[-1] - spectrum.grid[0]
    assert np.trapezoid(spectrum.density, spectrum.grid) == pytest.approx(1.0, abs=0.05), width


def test_the_sweep_ends_where_plain_loops_end(service: Service) -> None:
    rates = {"kind": "sweep", "low": 0.01, "high": 1.0, "rates": 3, "budget": 10}
    rules = [{"name": "SGD", "optimizer": {"kind": "sgd"}}]
    (found,) = [each for each in told(service, {**rates, "rules": rules}, "sweep") if each.final]
    for place, rate in enumerate((0.01, 0.1, 1.0)):
        net = module()
        data: Any = net.train_split
        optimizer = torch.optim.SGD(net.parameters(), lr=rate)
        for _ in range(10):
            optimizer.zero_grad()
            F.cross_entropy(net(data.x), data.y).backward()
            optimizer.step()
        expected = float(F.cross_entropy(net(data.x), data.y).detach())
        assert float(found.lr[place]) == pytest.approx(rate)
        assert float(found.loss[place]) == pytest.approx(expected, rel=1e-6)
