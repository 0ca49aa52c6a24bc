"""The examples run as a person would run them, on small settings."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def play(name: str, *arguments: str, cwd: Path) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "error::UserWarning"}
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *arguments], cwd=cwd, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_is_tested_here() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == {
        "minimal_landscape.py",
        "headless_run.py",
        "own_problems.py",  # core/problems/test_custom.py
        "recorded_loop.py",  # these: gradscape/test_recording.py and test_recorded_callbacks.py
        "recorded_lightning.py",
        "recorded_transformers.py",
    }


def test_the_minimal_landscape_draws_a_picture(tmp_path: Path) -> None:
    said = play("minimal_landscape.py", "--steps", "12", "--resolution", "5", cwd=tmp_path)
    assert "4 paths of 12 steps, 5×5 points: landscape.png" in said
    assert (tmp_path / "landscape.png").read_bytes().startswith(b"\x89PNG")


def test_the_minimal_landscape_stands_alone() -> None:
    """Its whole point: under 150 lines, and nothing of ours."""
    text = (EXAMPLES / "minimal_landscape.py").read_text("utf-8")
    assert len(text.splitlines()) < 150
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(text))
        for name in (
            [alias.name for alias in node.names] if isinstance(node, ast.Import)
            else [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        )
    }  # fmt: skip
    assert imported <= {"torch", "matplotlib", "sklearn", *sys.stdlib_module_names}


def test_the_minimal_landscape_is_right() -> None:
    """Its plane holds the points it embeds, and its surface is the loss there."""
    import torch

    sys.path.insert(0, str(EXAMPLES))
    try:
        import minimal_landscape as example
    finally:
        sys.path.remove(str(EXAMPLES))
    torch.manual_seed(0)
    x, y = example.digits()
    net = torch.nn.Sequential(torch.nn.Linear(64, 8), torch.nn.Tanh(), torch.nn.Linear(8, 10))
    before = example.flat(net)
    path = example.train(net, "momentum", x, y, steps=20)
    assert path.shape == (21, before.numel())
    assert torch.equal(path[0], before)
    assert torch.equal(example.flat(net), before), "the network is never written to"
    origin, axes, explained = example.principal_plane(path)
    assert 0.5 < float(explained.sum()) <= 1.0 + 1e-6
    on_plane, off = example.project(torch.stack([origin + 0.3 * axes[0] - 0.2 * axes[1]]), origin, axes)
    torch.testing.assert_close(on_plane, torch.tensor([[0.3, -0.2]]), rtol=0, atol=1e-5)
    assert float(off) < 1e-4
    a, b = torch.tensor([0.0, 0.5]), torch.tensor([0.0, -0.5])
    with torch.no_grad():
        found = example.surface(lambda theta: example.loss_at(net, theta, x, y), origin, axes, a, b)
        torch.testing.assert_close(found[0, 0], example.loss_at(net, origin, x, y))
        torch.testing.assert_close(found[1, 0], example.loss_at(net, origin - 0.5 * axes[1], x, y))
        torch.testing.assert_close(found[0, 1], example.loss_at(net, origin + 0.5 * axes[0], x, y))


@pytest.mark.parametrize("lane", ["SGD", "momentum", "Adam"])
def test_the_headless_race_ends_and_reports(lane: str, headless: str) -> None:
    assert f"{lane}: done at step 30" in headless
    assert f"{lane}, test: loss" in headless


@pytest.fixture(scope="module")
def headless(tmp_path_factory: pytest.TempPathFactory) -> str:
    return play("headless_run.py", "--steps", "30", cwd=tmp_path_factory.mktemp("headless"))
