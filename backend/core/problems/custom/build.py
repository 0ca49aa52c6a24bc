"""From what a file declares to a problem; whatever cannot be one is refused in a sentence.

Shapes: N examples, C outputs, P parameters.
"""

import math
from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor, nn

from backend.core.problems.custom.definition import BadProblem, Definition, EachLoss, Fit, raised
from backend.core.problems.custom.module import ModuleModel
from backend.core.problems.determinism import changing
from backend.core.problems.losses import Criterion, Second, build_criterion
from backend.core.problems.network import NetworkProblem
from backend.core.problems.splits import Examples, Splits
from backend.schemas.problem.custom import Custom, CustomEntry
from backend.schemas.problem.loss import CrossEntropyLoss, MseLoss
from backend.schemas.recording import NAMELESS

Known = Callable[[str], Definition]  # a problem's name → what the file declares
SEVERAL: Final = 8  # examples that a new problem is tried on


def nothing_known(name: str) -> Definition:
    """Refuse: there is no file.

    Raises:
        BadProblem: always.
    """
    if name == NAMELESS:
        raise BadProblem(
            "this run was recorded without its model, so there are its curves and its path alone; start the server "
            "with --problems FILE, and name the file's problem in the Recorder"
        )
    raise BadProblem(f"there is no problem {name!r}: the server was started without a problems file (--problems FILE)")


def build_custom(spec: Custom, known: Known, dtype: torch.dtype, device: torch.device) -> NetworkProblem:
    """Build a problem of the user's own.

    Args:
        spec: which, with its settings.
        known: what the file declares.
        dtype: number format of parameters and real inputs.
        device: where they live.

    Returns:
        The problem.
    """
    definition = known(spec.name)
    return build_fit(definition.entry.name, definition.fit(spec.parameters), dtype, device)


def build_fit(name: str, fit: Fit, dtype: torch.dtype, device: torch.device) -> NetworkProblem:
    """Build a problem from a network, its data and its loss.

    Args:
        name: what it is called in sentences.
        fit: what the file's function returned.
        dtype: number format of parameters and real inputs.
        device: where they live.

    Returns:
        The problem.

    Raises:
        BadProblem: where data, module or loss are not as they must be.
    """
    splits = Splits(
        _examples(name, "train", fit.train), None if fit.test is None else _examples(name, "test", fit.test)
    )
    shape = tuple(fit.train[0].shape[1:])
    if fit.test is not None and tuple(fit.test[0].shape[1:]) != shape:
        raise BadProblem(f"{name}: expected test inputs of shape [N, {_dims(shape)}], got {list(fit.test[0].shape)}")
    try:
        model = ModuleModel(fit.model, shape, dtype, device)
    except Exception as error:
        raise BadProblem(f"{name}: model() raised {raised(error)}") from error
    _require_deterministic(name, model.module)
    if not model.layout.size:
        raise BadProblem(f"{name}: the module has no parameters to train")
    return NetworkProblem(model, _criterion(name, fit), splits, fit.classes, dtype, device)


def tried(definition: Definition) -> CustomEntry:
    """Try a problem with its defaults: one loss, one gradient, both twice.

    Args:
        definition: what the file declares.

    Returns:
        Its entry, with the sizes that were found.

    Raises:
        BadProblem: where something is not as it must be.
    """
    name = definition.entry.name
    fit = definition.fit({})
    problem = build_fit(name, fit, torch.float32, torch.device("cpu"))
    train = problem.train
    assert train is not None
    params_P, buffers_B = problem.params0(0)
    x, y = train.x[:SEVERAL], train.y[:SEVERAL]
    try:
        outputs = problem.outputs(params_P, buffers_B, x)
    except Exception as error:
        raise BadProblem(f"{name}: the module cannot take inputs {list(x.shape)}: {raised(error)}") from error
    if not isinstance(outputs, Tensor) or outputs.dim() != 2 or len(outputs) != len(x):
        got = list(outputs.shape) if isinstance(outputs, Tensor) else type(outputs).__name__
        raise BadProblem(
            f"{name}: expected the module to give outputs [{len(x)}, C] for {len(x)} examples, got {got}; "
            "flatten what an example has besides, and unflatten it in the loss"
        )
    try:
        each_N = problem.each(outputs, y)
        once = float(problem.loss(params_P, buffers_B))
        leaf_P = params_P.clone().requires_grad_()
        (grad_P,) = torch.autograd.grad(problem.batch_loss(leaf_P, buffers_B, x, y), leaf_P)
    except Exception as error:
        raise BadProblem(f"{name}: the loss cannot take outputs {list(outputs.shape)}: {raised(error)}") from error
    if tuple(each_N.shape) != (len(x),):
        raise BadProblem(
            f"{name}: expected the loss of every example alone, [{len(x)}], got {list(each_N.shape)}; "
            'with a loss of torch.nn.functional, use reduction="none" and take the mean over all but the first axis'
        )
    if not math.isfinite(once) or not bool(torch.isfinite(grad_P).all()):
        raise BadProblem(f"{name}: the loss or its gradient at the initial point is not finite")
    if (sentence := changing(lambda: problem.loss(params_P, buffers_B), params_P, problem.layout)) is not None:
        raise BadProblem(f"{name}: {sentence}")
    return definition.entry.model_copy(
        update={"size": problem.layout.size, "examples": len(train), "classes": problem.classes}
    )


def _examples(name: str, split: str, pair: Any) -> Examples:
    if not (isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(each, Tensor) for each in pair)):
        raise BadProblem(f"{name}: expected {split} to be inputs and targets, two tensors, got {type(pair).__name__}")
    x, y = (each.detach().cpu() for each in pair)
    if x.dim() < 2:
        x = x.reshape(len(x), -1) if x.dim() else x
    if not x.dim() or len(x) != len(y) or not len(x):
        raise BadProblem(f"{name}: expected as many {split} inputs as targets, got {list(x.shape)} and {list(y.shape)}")
    return Examples(_wide(x), _wide(y))


def _wide(values: Tensor) -> Any:
    """Whole numbers and truth values stay whole; real ones are float64 until they are placed."""
    return values.to(torch.float64 if values.is_floating_point() else torch.int64).numpy()


def _dims(shape: tuple[int, ...]) -> str:
    return ", ".join(str(each) for each in shape)


def _require_deterministic(name: str, module: nn.Module) -> None:
    for called, part in module.named_modules():
        share = getattr(part, "p" if isinstance(part, nn.modules.dropout._DropoutNd) else "dropout", 0.0)
        if isinstance(share, float) and share > 0:
            raise BadProblem(
                f"{name}: the layer {called or type(part).__name__} drops out a share of {share:g}, so that two "
                "evaluations of the loss differ; make the module with dropout 0"
            )
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            raise BadProblem(
                f"{name}: the layer {called or type(part).__name__} is {type(part).__name__}, whose running statistics "
                "change as it is used; take GroupNorm or LayerNorm, or the bundled networks, which have BatchNorm"
            )


def _criterion(name: str, fit: Fit) -> Criterion:
    y = fit.train[1]
    if fit.loss == "cross_entropy":
        if y.is_floating_point() or y.dim() != 1 or not fit.classes:
            raise BadProblem(f"{name}: cross_entropy needs classes=C and targets [N] of whole numbers, got {y.dtype}")
        if int(y.min()) < 0 or int(y.max()) >= fit.classes:
            raise BadProblem(
                f"{name}: expected targets from 0 to {fit.classes - 1}, got {int(y.min())} to {int(y.max())}"
            )
        return build_criterion(CrossEntropyLoss(), fit.classes)
    if fit.loss == "mse":
        if not y.is_floating_point() or y.dim() != 2:
            raise BadProblem(f"{name}: mse needs real targets [N, C], got {list(y.shape)} of {y.dtype}")
        return build_criterion(MseLoss(), None)
    if not callable(fit.loss):
        raise BadProblem(f'{name}: expected the loss "cross_entropy", "mse" or a function, got {fit.loss!r}')
    return own_criterion(fit.loss, fit.classes)


def own_criterion(each: EachLoss, classes: int | None) -> Criterion:
    """Make a criterion of a function that gives the loss of every example alone.

    Args:
        each: outputs [N, C] and targets [N, …] → losses [N].
        classes: of the largest output as the prediction; None: nothing is classified.

    Returns:
        The criterion: the mean over the examples.
    """

    def mean(out_NC: Tensor, y: Tensor) -> Tensor:
        return each(out_NC, y).mean()

    def second(out_NC: Tensor) -> Second:
        raise BadProblem("the second derivatives of a loss of one's own need its targets")

    def largest(out_NC: Tensor) -> Tensor:
        return out_NC.argmax(1)

    return Criterion(classes or 0, mean, each, second, None if classes is None else largest)
