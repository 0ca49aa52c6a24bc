"""Questions that a map of saliency must stand, put to several methods: which answers can be believed.

Shapes: N examples, C outputs.
"""

from collections.abc import Generator
from dataclasses import replace
from typing import Final

import numpy as np
import torch
from torch import Tensor

from backend.core.analyses.base import TICK, Context, Events, Tick
from backend.core.analyses.curvature import Site, sites
from backend.core.analyses.failures import NotFinite, Unsupported
from backend.core.analyses.places import points_of, started
from backend.core.analyses.saliency import EXPLAINS_NOTHING, NOT_A_QUANTITY, baseline, split_of
from backend.core.problems.problem import Data, Problem
from backend.core.saliency import metrics, trust
from backend.core.saliency.explained import BadTarget, Explained
from backend.core.saliency.features import NoPictures
from backend.core.saliency.methods import COMPLETE, NotASignal
from backend.core.saliency.rules import NoRelu
from backend.core.saliency.trust import Asked
from backend.core.saliency.verdicts import verdict
from backend.schemas.analysis import SaliencyTrustAnalysis
from backend.schemas.analysis.saliency import SETTINGS, Method, SaliencyAnalysis
from backend.schemas.analysis.saliency_trust import Question
from backend.schemas.events import Progress, Trust

RANDOM: Final = "random"
SUMS: Final[frozenset[Method]] = COMPLETE | {"gradient_x_input"}  # whose sum is meant to be a difference of logits
# Whose maps are of frequencies, which are no places of an input.
OF_FREQUENCIES: Final[frozenset[Method]] = frozenset({"frequency_integrated_gradients"})
SLOPES: Final[frozenset[Method]] = frozenset({"gradient", "smoothgrad", "moreau_grad", "guided_backprop", "deconvnet"})
Told = Generator[Tick | Trust, None, None]


class SaliencyTrust:
    """Every question, to every method in turn, and to maps drawn at random."""

    def unsupported(self, problem: Problem, spec: SaliencyTrustAnalysis) -> str | None:
        """Return None, or why nothing can be asked."""
        data = split_of(problem, spec)
        if data is None or problem.model is None:
            return EXPLAINS_NOTHING
        if not data.x.is_floating_point():
            return NOT_A_QUANTITY
        if problem.classes is None:
            return "These questions are about classes, and this problem is a regression; choose data with classes."
        if (last := max(spec.examples)) >= len(data):
            return f"The split has {len(data)} examples, 0 to {len(data) - 1}, and example {last} was asked for."
        return problem.check_deterministic()

    def run(self, problem: Problem, spec: SaliencyTrustAnalysis, ctx: Context) -> Events:
        """Yield a ``Trust`` for each point, question and method.

        Raises:
            NotFinite: where a point is not finite.
            Unsupported: where the target does not exist, or no method works on the network.
        """
        yield started(problem, points_of(problem, ctx))
        for site in sites(problem, ctx, spec.kind):
            if not bool(torch.isfinite(site.point.moment.params_P).all()):
                raise NotFinite(f"The parameters at step {site.point.moment.step} are not finite.")
            work = self.look(problem, spec, ctx.seed, site)
            total = len(spec.questions) * (len(spec.methods) + 1)
            done = 0
            for event in work:
                yield event
                if isinstance(event, Trust) and event.question in spec.questions:
                    at = spec.questions.index(event.question) * (len(spec.methods) + 1)
                    done = max(done, at) + 1
                    yield Progress(phase="answers", done=min(done, total), total=total)

    def look(self, problem: Problem, spec: SaliencyTrustAnalysis, seed: int, site: Site) -> Events:
        """Ask at a place, with the same random draws at every place.

        Yields:
            A ``Trust`` for each question and method.

        Raises:
            Unsupported: where the target does not exist, or no method works on the network.
        """
        try:
            yield from _ask_all(problem, spec, seed, site)
        except BadTarget as refusal:
            raise Unsupported(str(refusal)) from refusal


def _ask_all(problem: Problem, spec: SaliencyTrustAnalysis, seed: int, site: Site) -> Events:
    data = split_of(problem, spec)
    assert data is not None
    rows = torch.tensor(spec.examples, device=data.x.device)
    inside = None if data.inside is None else data.inside[rows]
    chosen = Data(data.x[rows], data.y[rows], inside)
    assert problem.train is not None
    base = baseline(spec, problem.train.x)
    outputs = Explained(problem, site.point.moment).width
    target_N = chosen.y if outputs > 1 else torch.zeros_like(chosen.y)
    if spec.target is not None:
        target_N = torch.full_like(chosen.y, spec.target)
        Explained(problem, site.point.moment).score(target_N)  # refuses what is no output
    told = SaliencyAnalysis(**{name: getattr(spec, name) for name in SETTINGS})
    asked = [Asked(problem, site.point.moment, m, told, seed, chosen, target_N, base) for m in spec.methods]
    able: list[Asked] = []
    for one in asked:
        try:
            yield from one.raw(chosen.x)
            able.append(one)
        except (NoPictures, NoRelu, NotASignal) as refusal:
            yield _event(site, "refused", one, torch.full((1,), torch.nan), note=str(refusal))
    if not able:
        raise Unsupported("None of these methods works on this network; choose the gradient, which always does.")
    random = replace(able[0], method=None)
    for question in spec.questions:
        yield from _ask(question, spec, site, able, random, outputs)


def _ask(
    question: Question, spec: SaliencyTrustAnalysis, site: Site, able: list[Asked], random: Asked, outputs: int
) -> Told:
    chance = None
    for one in (random, *able):
        found = yield from _answer(question, spec, one, outputs)
        if found is None:
            continue
        value, x, y, labels = found
        if one.method is None:
            chance = value
        yield _event(site, question, one, value, chance=chance, x=x, y=y, labels=labels)
        yield TICK


Answer = tuple[Tensor, Tensor | None, Tensor | None, tuple[str, ...]]  # by example, and a curve


def _answer(
    question: Question, spec: SaliencyTrustAnalysis, asked: Asked, outputs: int
) -> Generator[Tick, None, Answer | None]:
    method = asked.method
    match question:
        case "weights":
            layers = [name for name, _, _ in trust.layer_spans(asked.problem.layout)]
            like = yield from trust.randomised(asked)
            return like[-1], torch.arange(len(like)), _mean(like), ("none", *reversed(layers))
        case "class" if outputs > 2:  # of two, one is the other's mirror for most networks, and their sizes agree
            return (yield from trust.other_class(asked, outputs)), None, None, ()
        case "deletion" | "insertion" | "signal" | "retraining" if method in OF_FREQUENCIES:
            return None  # there is nothing to remove or show at a place
        case "deletion" | "insertion":
            curve = yield from trust.removed(asked, spec.steps, insert=question == "insertion")
            return metrics.area(curve), torch.linspace(0, 1, len(curve)), curve.mean(1), ()
        case "completeness" if method in SUMS:
            return (yield from trust.gap(asked)), None, None, ()
        case "infidelity" if method in SLOPES:
            return (yield from trust.infidelity(asked, spec.radius, spec.draws)), None, None, ()
        case "sensitivity" if method is not None:
            return (yield from trust.sensitivity(asked, spec.radius, spec.draws)), None, None, ()
        case "signal" if asked.data.inside is not None:
            return (yield from trust.signal(asked)), None, None, ()
        case "retraining" if outputs > 1:
            train = asked.problem.train
            assert train is not None
            test = asked.problem.test or train
            whole = replace(asked, data=test, target_N=test.y)
            found = yield from trust.retrained(whole, train, spec.shares, spec.retraining_steps)
            return found, torch.tensor(spec.shares), found, ()
    return None


def _mean(values: Tensor) -> Tensor:
    return values.double().nanmean(1)


def _event(
    site: Site, question: str, asked: Asked, value_N: Tensor, *, chance: Tensor | None = None,
    x: Tensor | None = None, y: Tensor | None = None, labels: tuple[str, ...] = (), note: str | None = None,
) -> Trust:  # fmt: skip
    known = value_N.double()[torch.isfinite(value_N)]
    mean = float(known.mean()) if len(known) else float("nan")
    stderr = float(known.std() / len(known) ** 0.5) if len(known) > 1 else None
    return Trust(
        **site.where,
        question=question,
        method=asked.method or RANDOM,
        random=asked.method is None,
        value=mean,
        stderr=stderr,
        baseline=None if chance is None else float(chance.double().nanmean()),
        verdict=None if asked.method is None or note else verdict(question, value_N.double(), chance),
        x=_array(x),
        y=_array(y),
        labels=labels,
        note=note,
        examples=len(asked.data),
    )


def _array(values: Tensor | None) -> np.ndarray | None:
    return None if values is None else values.double().cpu().numpy()


SALIENCY_TRUST: Final = SaliencyTrust()
