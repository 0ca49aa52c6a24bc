"""Permutations of hidden units: the function stays, and matching finds them again."""

import itertools

import numpy as np
import pytest
import torch

from backend.core.geometry.matching import assign, match_weights
from backend.core.geometry.permutation import identity, inverse, permuted, permuted_buffers, random_permutations
from backend.core.problems.network import NetworkProblem
from tests.cases import NETWORKS, build, over

HIDDEN = {name: spec for name, spec in NETWORKS.items() if getattr(spec.model, "hidden", True)}


def network(name: str) -> NetworkProblem:
    problem = build(name)
    assert isinstance(problem, NetworkProblem)
    return problem


def moved(problem, seed=0):
    """A point away from initialisation's symmetric norms, and the same net with its units in other places."""
    generator = torch.Generator().manual_seed(seed)
    params, buffers = problem.params0(seed)
    params = params + 0.1 * torch.randn(params.shape, dtype=torch.float64, generator=generator)
    buffers = buffers + torch.rand(buffers.shape, dtype=torch.float64, generator=generator)
    perms = random_permutations(problem.units, generator)
    copy = permuted(params, problem.layout, problem.units, perms)
    return params, buffers, perms, copy, permuted_buffers(buffers, problem.buffer_layout, problem.units, perms)


@over(HIDDEN)
def test_permuted_units_leave_outputs_and_gradient_norm(name):
    problem = network(name)
    params, buffers, _, copy, copied = moved(problem)
    before = params.clone()
    assert (copy - params).abs().max() > 0.01
    out = problem.outputs(params, buffers, problem.train.x)
    assert out.std() > 1e-3
    torch.testing.assert_close(problem.outputs(copy, copied, problem.train.x), out, rtol=0, atol=1e-12)
    norms = [
        torch.autograd.grad(problem.loss(p.requires_grad_(), b), p)[0].norm()
        for p, b in ((params.clone(), buffers), (copy.clone(), copied))
    ]
    torch.testing.assert_close(norms[0], norms[1], rtol=1e-10, atol=0)
    assert torch.equal(params, before)


@over(HIDDEN)
def test_the_inverse_brings_everything_back(name):
    problem = network(name)
    params, buffers, perms, copy, copied = moved(problem)
    back = inverse(perms)
    assert torch.equal(permuted(copy, problem.layout, problem.units, back), params)
    assert torch.equal(permuted_buffers(copied, problem.buffer_layout, problem.units, back), buffers)
    assert torch.equal(permuted(params, problem.layout, problem.units, identity(problem.units)), params)


@over(HIDDEN)
def test_every_hidden_tensor_belongs_to_a_group(name):
    """Each tensor is made by a group but the last layer's, and read by one but the first layer's."""
    problem = network(name)
    made = {axis.tensor for group in problem.units for axis in group.axes if axis.axis == 0}
    read = {axis.tensor for group in problem.units for axis in group.axes if axis.axis == 1}
    names = [name for name, _ in problem.layout.entries]
    weights = [name for name, shape in problem.layout.entries if len(shape) > 1]
    assert made == set(names[:-2])
    assert read == set(weights[1:])
    assert all(len(perm) == group.size for perm, group in zip(identity(problem.units), problem.units, strict=True))


@over(HIDDEN)
def test_weight_matching_finds_the_permutation_of_a_copy(name):
    problem = network(name)
    params, _, perms, copy, _ = moved(problem, seed=3)
    *_, last = match_weights(problem.layout, problem.units, params, copy, torch.Generator().manual_seed(0))
    for found, back in zip(last.permutations, inverse(perms), strict=True):
        assert torch.equal(found, back)
    assert last.agreement == pytest.approx(float(params.square().sum()), rel=1e-12)


def test_matching_never_ends_below_where_it_began():
    problem = network("digits-tanh")
    a, b = (problem.params0(seed)[0] for seed in (0, 1))
    reached = [m.agreement for m in match_weights(problem.layout, problem.units, a, b, torch.Generator())]
    assert reached == sorted(reached)
    assert reached[0] >= float(a @ b)
    best = permuted(b, problem.layout, problem.units, list(match_weights(
        problem.layout, problem.units, a, b, torch.Generator()))[-1].permutations)  # fmt: skip
    assert float(a @ best) == pytest.approx(reached[-1], rel=1e-12)


@pytest.mark.parametrize("cells", [1, 2, 3])
def test_assignment_is_the_best_of_all_that_are_allowed(cells):
    size, width = 6, 6 // cells
    for seed in range(5):
        gain = np.random.default_rng(seed).normal(size=(size, size))
        allowed = [
            perm
            for perm in itertools.permutations(range(size))
            if all(len({place // width for place in perm[k * width : (k + 1) * width]}) == 1 for k in range(cells))
        ]
        best = max(sum(gain[i, p] for i, p in enumerate(perm)) for perm in allowed)
        found = assign(gain, cells)
        assert tuple(found) in allowed
        assert gain[range(size), found].sum() == pytest.approx(best, abs=1e-12)
