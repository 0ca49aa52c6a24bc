"""``gradscape doctor``: what this installation has, whether its mathematics is right, and what to do if not."""

import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

from app.serve import PortTaken, listen
from app.settings import Settings
from backend.jobs.blobs import place_of, shown, size_of
from backend.jobs.directory_lock import DirectoryLock
from backend.jobs.errors import Unavailable
from backend.jobs.retention import GIB

if TYPE_CHECKING:
    from torch import Tensor

Verdict = Literal["ok", "warn", "fail"]
OLDEST = (3, 11)
PACKAGES = ("gradscape", "torch", "numpy", "scipy", "scikit-learn", "dash", "fastapi", "pydantic", "SQLAlchemy")
LEAST_ROOM = 1.0  # GiB
LEAST_MEMORY = 1.0  # GiB
MEMORY = Path("/proc/meminfo")
TOLERANCE = 1e-12  # of the self-tests, relative, in float64
ADVICE = "The mathematics of this installation is wrong: reinstall torch, and report it with these lines."


@dataclass(frozen=True)
class Check:
    """One line of the report; ``advice`` says what to do where the verdict is not ok."""

    verdict: Verdict
    name: str
    found: str
    advice: str = ""


def python() -> Check:
    """Look at the interpreter."""
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.version_info < OLDEST:
        return Check("fail", "python", found, f"Install Python {'.'.join(map(str, OLDEST))} or later.")
    return Check("ok", "python", found)


def packages() -> Check:
    """Look at the versions of what we stand on."""
    found, missing = [], []
    for name in PACKAGES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        return Check("fail", "packages", f"missing: {', '.join(missing)}", "Install again: pip install gradscape.")
    return Check("ok", "packages", ", ".join(found))


def devices() -> Check:
    """List where runs can be computed."""
    import torch

    found = [f"cpu with {torch.get_num_threads()} threads"]
    for index in range(torch.cuda.device_count()):
        found.append(f"cuda:{index} {torch.cuda.get_device_name(index)}")
    if torch.backends.mps.is_available():
        found.append("mps")
    built = torch.version.cuda
    if built is not None and not torch.cuda.is_available():
        advice = "Install the NVIDIA driver, or a CPU build of torch; runs use the CPU until then."
        return Check("warn", "devices", f"{', '.join(found)}; torch is built for CUDA {built} but finds no GPU", advice)
    return Check("ok", "devices", ", ".join(found))


def data_directory(settings: Settings) -> Check:
    """Try to hold the data directory and to write into it."""
    try:
        lock = DirectoryLock(settings.data)
    except Unavailable as error:
        held = "another Gradscape" in str(error)
        return Check("warn" if held else "fail", "data", str(error), error.detail.hint or "")
    try:
        with tempfile.TemporaryFile(dir=settings.data) as file:
            file.write(b"gradscape")
    except OSError as error:
        return Check("fail", "data", f"cannot write to {settings.data}: {error}", "Choose another with --data DIR.")
    finally:
        lock.release()
    return Check("ok", "data", f"{settings.data} can be written to")


def store(settings: Settings) -> Check:
    """Try to write to, and to remove from, the place where runs keep snapshots, checkpoints and planes."""
    if settings.store_url is None:
        return Check("ok", "store", "runs in the data directory")
    try:
        place_of(settings.store_url)
    except Unavailable as error:
        return Check("fail", "store", str(error), error.detail.hint or "")
    return Check("ok", "store", f"{shown(settings.store_url)} can be written to")


def room(settings: Settings) -> Check:
    """Look how much room the data directory has, and what is in it."""
    place = next(place for place in (settings.data, *settings.data.absolute().parents) if place.exists())
    free = shutil.disk_usage(place).free / GIB
    taken = size_of(settings.data) / GIB
    found = f"{free:.1f} GiB are free; runs and data sets take {taken:.1f} GiB"
    if free < LEAST_ROOM:
        return Check("warn", "room", found, "Make room, choose another disk with --data, or set GRADSCAPE_KEEP_SIZE.")
    return Check("ok", "room", found)


def memory() -> Check:
    """Look how much memory is left for workers."""
    if not MEMORY.exists():
        return Check("ok", "memory", "this system does not say how much is left")
    told = dict(line.split(":", 1) for line in MEMORY.read_text("ascii").splitlines())
    left, all_of_it = (int(told[name].split()[0]) / (1 << 20) for name in ("MemAvailable", "MemTotal"))
    found = f"{left:.1f} of {all_of_it:.1f} GiB are left"
    if left < LEAST_MEMORY:
        return Check(
            "warn", "memory", found, "A worker takes a quarter of a GiB before its first run; use --workers 1."
        )
    return Check("ok", "memory", found)


def engine(settings: Settings) -> Check:
    """Look whether what the chosen engine needs is here."""
    if settings.engine != "ray":
        return Check("ok", "engine", settings.engine)
    try:
        found = f"ray {importlib.metadata.version('ray')}, {settings.ray_address or 'a cluster of its own'}"
    except importlib.metadata.PackageNotFoundError:
        return Check("fail", "engine", "ray is not installed", "Install it: pip install 'gradscape[ray]'.")
    if settings.ray_address and os.environ.get("RAY_AUTH_MODE", "token") == "token" and not has_token():
        return Check("warn", "engine", f"{found}, and no token for it", "Set RAY_AUTH_TOKEN to the cluster's.")
    return Check("ok", "engine", found)


def has_token() -> bool:
    """Say whether Ray will find a token, where it looks for one."""
    path = os.environ.get("RAY_AUTH_TOKEN_PATH", "")
    return bool(os.environ.get("RAY_AUTH_TOKEN")) or (Path(path) if path else Path.home() / ".ray/auth_token").exists()


def port(settings: Settings) -> Check:
    """Try to listen where ``serve`` would."""
    try:
        listen(settings.host, settings.port).close()
    except PortTaken as error:
        return Check("warn", "port", str(error), "Stop what listens there, or serve with --port.")
    return Check("ok", "port", f"{settings.host}:{settings.port} is free")


def gradient() -> Check:
    """Compare gradients with closed forms: a quadratic, and least squares through a whole network.

    ∇ ½Σλᵢxᵢ² = (λᵢxᵢ); for y ≈ wx + b with squared error, ∂L/∂w = 2/N Σ(wxᵢ + b − yᵢ)xᵢ and ∂L/∂b without the last xᵢ.

    Returns:
        The larger of the two relative differences, judged.
    """
    import torch

    from backend.core.problems.build import build_problem
    from backend.schemas.problem import DataProblem, FunctionProblem
    from backend.schemas.problem.data import ChebyshevData
    from backend.schemas.problem.function import QuadraticFunction
    from backend.schemas.problem.loss import MseLoss
    from backend.schemas.problem.model import MlpModel

    cpu = torch.device("cpu")
    bowl = build_problem(
        FunctionProblem(function=QuadraticFunction(condition=100.0, start=(1.5, 1.0))), torch.float64, cpu
    )
    params_P, buffers_B = bowl.params0(0)
    leaf_P = params_P.clone().requires_grad_()
    (grad_P,) = torch.autograd.grad(bowl.loss(leaf_P, buffers_B), leaf_P)
    off = _relative(grad_P, torch.tensor([1.0, 100.0], dtype=torch.float64) * params_P)

    line = build_problem(
        DataProblem(data=ChebyshevData(points=20, degree=3), model=MlpModel(hidden=()), loss=MseLoss()),
        torch.float64,
        cpu,
    )
    params_P, buffers_B = line.params0(0)
    leaf_P = params_P.clone().requires_grad_()
    (grad_P,) = torch.autograd.grad(line.loss(leaf_P, buffers_B), leaf_P)
    data = line.train
    if data is None:
        return Check("fail", "gradient", "expected training data for the regression, got none", ADVICE)
    weight, bias = (view.reshape(()) for view in line.layout.unflatten(params_P).values())
    residual_N = (weight * data.x + bias - data.y).reshape(-1)
    known_P = 2 * torch.stack([(residual_N * data.x.reshape(-1)).mean(), residual_N.mean()])
    return _verdict("gradient", max(off, _relative(grad_P, known_P)))


def projection() -> Check:
    """Project a point that was put on and off a skewed plane: (a, b) and the distance must come back."""
    import torch

    from backend.core.analyses.base import Moment
    from backend.core.geometry.plane import Plane

    draw = torch.Generator().manual_seed(0)
    origin_P, u_P, other_P, away_P = torch.randn(4, 50, dtype=torch.float64, generator=draw)
    v_P = 0.9 * u_P + 0.1 * other_P
    axes_P2, _ = torch.linalg.qr(torch.stack([u_P, v_P], dim=1))
    away_P = away_P - axes_P2 @ (axes_P2.T @ away_P)
    plane = Plane("self-test", Moment(0, origin_P, torch.empty(0, dtype=torch.float64)), u_P, v_P)
    found = torch.cat(plane.project(plane.embed(0.3, -0.7) + away_P))
    known = torch.tensor([0.3, -0.7, away_P.norm().item()], dtype=torch.float64)
    return _verdict("projection", _relative(found, known))


def _relative(found: "Tensor", known: "Tensor") -> float:
    return float((found - known).abs().max() / known.abs().max())


def _verdict(name: str, off: float) -> Check:
    if off <= TOLERANCE:
        return Check("ok", name, f"agrees with the closed form to {off:.1e}")
    return Check("fail", name, f"expected the closed form to {TOLERANCE:.0e}, got {off:.1e}", ADVICE)


def checks(settings: Settings) -> dict[str, Callable[[], Check]]:
    """List what is looked at, quick things first."""
    return {
        "python": python,
        "packages": packages,
        "data": lambda: data_directory(settings),
        "store": lambda: store(settings),
        "room": lambda: room(settings),
        "memory": memory,
        "port": lambda: port(settings),
        "engine": lambda: engine(settings),
        "devices": devices,
        "gradient": gradient,
        "projection": projection,
    }


def doctor(settings: Settings, out: TextIO) -> int:
    """Print one line for each check, and what to do beside each that is not ok.

    Args:
        settings: the data directory and the port that would be used.
        out: where to print.

    Returns:
        The exit code: 1 where something fails; a warning is no failure.
    """
    failed = False
    for name, look in checks(settings).items():
        try:
            check = look()
        except Exception as error:  # a broken installation may raise anything, and the other checks still count
            check = Check("fail", name, f"{type(error).__name__}: {error}", "Install gradscape again.")
        failed = failed or check.verdict == "fail"
        print(f"{check.verdict:<5} {check.name:<11} {check.found}", file=out, flush=True)
        if check.verdict != "ok" and check.advice:
            print(f"{'':<17} → {check.advice}", file=out, flush=True)
    return 1 if failed else 0
