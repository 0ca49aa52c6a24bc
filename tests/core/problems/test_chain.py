"""A dense chain in memory that is used again, against the network's own pure form, and a loop in float64."""

import pytest
import torch

from backend.core.problems.activations import ACTIVATIONS
from backend.core.problems.batch_norm import frozen
from backend.core.problems.chain import OVERWRITING, Chain
from backend.core.problems.mlp import Mlp
from backend.schemas.problem.model import MlpModel

SHAPES = [(), (5,), (40,), (24, 3, 40), (7, 33, 6, 20)]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("hidden", SHAPES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@torch.no_grad()
def test_it_says_what_the_network_says(activation: str, hidden: tuple[int, ...], dtype: torch.dtype) -> None:
    model = Mlp(MlpModel.model_validate({"hidden": hidden, "activation": activation}), 6, 4)
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(37, 6, generator=draw, dtype=dtype)
    chain: Chain | None = None
    for _ in range(3):  # what a point left behind changes nothing at the next
        params = model.layout.parts(torch.randn(model.layout.size, generator=draw, dtype=dtype))
        z = model.first(params[:2], x)
        chain = Chain(model, z) if chain is None else chain
        chain.z.copy_(z)
        chain.params_P.copy_(torch.cat([z.new_empty(0), *(part.flatten() for part in params[2:])]))
        given = chain.params_P.clone()
        out = chain.outputs()
        slack = float(out.abs().max()) * (1e-13 if dtype == torch.float64 else 1e-5)
        torch.testing.assert_close(out, model.rest(params[2:], [], z, frozen), rtol=0, atol=slack)
        assert torch.equal(chain.params_P, given)
        slow = z.double()
        for weight, bias in zip(params[2::2], params[3::2], strict=True):
            slow = ACTIVATIONS[model.spec.activation](slow) @ weight.double().T + bias.double()
        torch.testing.assert_close(out.double(), slow, rtol=0, atol=slack)


def test_every_nonlinearity_has_such_a_form() -> None:
    assert set(OVERWRITING) == set(ACTIVATIONS)
