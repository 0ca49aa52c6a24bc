"""The whole idea in one file: train on real digits, find the plane the training moved in, draw the loss on it.

Needs torch and matplotlib, and takes its data from scikit-learn:  python examples/minimal_landscape.py
Shapes: P parameters, T moments kept, R points a side of the picture.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import torch
from matplotlib import pyplot as plt
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.functional import cross_entropy

Loss = Callable[[Tensor], Tensor]  # a flat vector of parameters [P] → the loss

RULES: dict[str, Callable[[list[Tensor]], torch.optim.Optimizer]] = {
    "SGD": lambda params: torch.optim.SGD(params, lr=0.1),
    "momentum": lambda params: torch.optim.SGD(params, lr=0.1, momentum=0.9),
    "RMSProp": lambda params: torch.optim.RMSprop(params, lr=0.003),
    "Adam": lambda params: torch.optim.Adam(params, lr=0.003),
}


def digits() -> tuple[Tensor, Tensor]:
    """Return 1,797 pictures of 8×8 pixels as rows of 64 numbers in [0, 1], and which digit each is."""
    bunch = load_digits()
    return torch.tensor(bunch.data / 16, dtype=torch.float32), torch.tensor(bunch.target)


def flat(net: nn.Module) -> Tensor:
    """Return a copy of all parameters of a network as one vector [P]."""
    return nn.utils.parameters_to_vector(net.parameters()).detach().clone()


def loss_at(net: nn.Module, theta_P: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Mean cross-entropy of the network with these parameters. The network itself is never written to."""
    named = dict(net.named_parameters())
    parts = theta_P.split([each.numel() for each in named.values()])
    params = {name: part.view_as(named[name]) for name, part in zip(named, parts, strict=True)}
    return cross_entropy(functional_call(net, params, (x,)), y)


def train(net: nn.Module, rule: str, x: Tensor, y: Tensor, steps: int) -> Tensor:
    """Train from the network's own weights and return the path [T, P]: the parameters after 0, 1, …, steps updates.

    Every rule starts at the same point and sees the same batches: what differs on the picture is the rule.
    """
    theta_P = flat(net).requires_grad_()
    optimizer = RULES[rule]([theta_P])
    shuffle = torch.Generator().manual_seed(0)
    path = [theta_P.detach().clone()]
    while len(path) <= steps:
        for batch in torch.randperm(len(x), generator=shuffle).split(128)[: steps + 1 - len(path)]:
            optimizer.zero_grad()
            loss_at(net, theta_P, x[batch], y[batch]).backward()
            optimizer.step()
            path.append(theta_P.detach().clone())
    return torch.stack(path)


def principal_plane(moments_TP: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Fit the plane θ = origin + a·u + b·v that holds most of the movement: the two leading principal components.

    Returns:
        The origin [P], the orthonormal directions (u, v) as [2, P], and the shares of the variance they explain [2].
    """
    origin_P = moments_TP.mean(0)
    _, sizes, axes = torch.linalg.svd(moments_TP - origin_P, full_matrices=False)
    return origin_P, axes[:2], sizes[:2] ** 2 / (sizes**2).sum()


def project(path_TP: Tensor, origin_P: Tensor, axes_2P: Tensor) -> tuple[Tensor, Tensor]:
    """Return the coordinates on the plane [T, 2], and the distance from it [T] that the picture cannot show."""
    apart_TP = path_TP - origin_P
    coordinates_T2 = apart_TP @ axes_2P.T
    return coordinates_T2, (apart_TP - coordinates_T2 @ axes_2P).norm(dim=1)


def surface(loss: Loss, origin_P: Tensor, axes_2P: Tensor, a_R: Tensor, b_R: Tensor) -> Tensor:
    """Return the loss on a grid of the plane, [R, R]: row i at b[i], column j at a[j]."""
    on_row = vmap(lambda a, b: loss(origin_P + a * axes_2P[0] + b * axes_2P[1]), in_dims=(0, None), chunk_size=8)
    return torch.stack([on_row(a_R, b) for b in b_R])


def draw(paths: dict[str, Tensor], loss: Loss, resolution: int, picture: Path) -> None:
    """Draw the surface under all paths, each with its true final loss and how far off the plane it ended."""
    origin_P, axes_2P, explained = principal_plane(torch.cat(list(paths.values())))
    on_plane = {rule: project(path, origin_P, axes_2P) for rule, path in paths.items()}
    every = torch.cat([coordinates for coordinates, _ in on_plane.values()])
    low, high = every.min(0).values, every.max(0).values
    low, high = low - 0.15 * (high - low), high + 0.15 * (high - low)
    a_R, b_R = (torch.linspace(float(low[i]), float(high[i]), resolution) for i in (0, 1))
    loss_RR = surface(loss, origin_P, axes_2P, a_R, b_R)

    mpl.use("Agg")
    figure, axes = plt.subplots(figsize=(8, 6), layout="constrained")
    filled = axes.contourf(a_R, b_R, loss_RR.log10(), levels=24, cmap="viridis")
    figure.colorbar(filled, label="log₁₀ loss on the plane")
    for (rule, (ab, off)), colour in zip(on_plane.items(), ("#E69F00", "#56B4E9", "#F0E442", "#CC79A7"), strict=True):
        final = f"{rule}: loss {float(loss(paths[rule][-1])):.3g}, {float(off[-1]):.2g} off the plane"
        axes.plot(ab[:, 0], ab[:, 1], color=colour, linewidth=1.8, label=final)
        axes.plot(ab[-1, 0], ab[-1, 1], "o", color=colour, markeredgecolor="black")
    start = on_plane[next(iter(paths))][0][0]
    axes.plot(start[0], start[1], "s", color="white", markeredgecolor="black", label="start")
    axes.set_xlabel(f"first principal component ({float(explained[0]):.0%} of the movement)")
    axes.set_ylabel(f"second principal component ({float(explained[1]):.0%})")
    axes.legend(loc="upper right", fontsize="small")
    figure.savefig(picture, dpi=150)
    plt.close(figure)


def main() -> None:
    """Train each rule, draw, and say where the picture is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=300, help="updates of each rule (default %(default)s)")
    parser.add_argument("--resolution", type=int, default=33, help="points a side (default %(default)s)")
    parser.add_argument("--picture", type=Path, default=Path("landscape.png"), help="where it goes (%(default)s)")
    asked = parser.parse_args()

    torch.manual_seed(0)
    x, y = digits()
    net = nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 10))
    paths = {rule: train(net, rule, x, y, asked.steps) for rule in RULES}
    with torch.no_grad():
        draw(paths, lambda theta_P: loss_at(net, theta_P, x, y), asked.resolution, asked.picture)
    print(f"{len(paths)} paths of {asked.steps} steps, {asked.resolution}×{asked.resolution} points: {asked.picture}")


if __name__ == "__main__":
    main()
