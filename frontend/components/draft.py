"""The draft: what the set-up asks for, before it becomes runs. Pure functions of plain values.

A draft is one train request with every field present. Beside it stand which analyses are switched on (those switched
off keep their settings), and its variants: the same request with a few values replaced, each a run of its own, so that
one Start can open three widths in one view; and what else it starts: analyses of the same problem by the lanes' rules.
"""

import copy
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from pydantic import ValidationError

from backend.schemas.analysis import ANALYSIS_KINDS, PROBE_KINDS
from backend.schemas.problem import DataProblem, FunctionProblem, PdeProblem
from backend.schemas.problem.custom import CustomEntry
from backend.schemas.problem.data import training_examples
from backend.schemas.run import AnalyseRequest, Lane, Probe, TrainRequest
from frontend.components.answers import get, overlay, put
from frontend.components.custom_form import PATH, entry_named
from frontend.components.spec_fields import UNIONS, default_of, kind_of, member_of
from frontend.presets import PRESETS

MOST_LANES = 8
MOST_RULES = 6  # of a map of basins
ANALYSES = tuple(kind_of(spec) for spec in PROBE_KINDS)
WHAT = ("problem.data", "problem.function", "problem.pde")  # unions that say what a run is about
SHARED = ("plane", "data_fraction", "batchnorm")  # what all analyses of one plane have in common


@dataclass(frozen=True)
class Draft:
    """A train request in the making.

    ``request`` has one probe of every kind of analysis, in the order of ``ANALYSES``; ``on`` names those that run.
    """

    request: dict[str, Any]
    on: tuple[str, ...] = ()
    variants: tuple[Mapping[str, Any], ...] = ()
    choices: Mapping[str, str] = field(default_factory=dict)  # of the panels, when it starts
    also: tuple[Mapping[str, Any], ...] = ()  # analyses of the problem, by the rules of the lanes

    @classmethod
    def of(
        cls,
        request: Mapping[str, Any],
        variants: Iterable[Mapping[str, Any]] = (),
        choices: Mapping[str, str] | None = None,
        also: Iterable[Mapping[str, Any]] = (),
    ) -> Self:
        """Make the draft of a request: fill every default in, and give every analysis its place."""
        try:
            full = TrainRequest.model_validate_json(json.dumps(dict(request))).model_dump(mode="json")
        except ValidationError:  # stored by another version: keep what is known
            full = {**TrainRequest().model_dump(mode="json"), **copy.deepcopy(dict(request))}
        given = {str(get(probe, "analysis.kind")): probe for probe in full["probes"]}
        full["probes"] = [given.get(kind) or _probe(kind, given) for kind in ANALYSES]
        return cls(full, tuple(kind for kind in ANALYSES if kind in given), tuple(variants), choices or {}, tuple(also))

    @classmethod
    def taken(cls, request: Mapping[str, Any]) -> Self:
        """Make the draft of a stored run; where it started is not shown in the set-up, so it is not asked for again."""
        return cls.of({**request, "origin": None, "resume": False})

    @classmethod
    def from_store(cls, data: Mapping[str, Any]) -> Self:
        """Read what :meth:`store` wrote."""
        return cls(
            data["request"], tuple(data["on"]), tuple(data["variants"]), data["choices"], tuple(data.get("also", ()))
        )

    def store(self) -> dict[str, Any]:
        """Write the draft for the page's store."""
        return {
            "request": self.request,
            "on": list(self.on),
            "variants": [dict(variant) for variant in self.variants],
            "choices": dict(self.choices),
            "also": [dict(analysis) for analysis in self.also],
        }

    def answered(self, answers: Iterable[tuple[str, Any]]) -> Self:
        """Take the form's answers in; ``on.<analysis>`` are its switches."""
        given = dict(answers)
        switches = {path.removeprefix("on."): bool(given.pop(path)) for path in tuple(given) if path.startswith("on.")}
        on = tuple(kind for kind in ANALYSES if switches.get(kind, kind in self.on))
        return replace(self, request=overlay(self.request, given.items()), on=on)

    def requests(self, weights: str | None = None) -> list[dict[str, Any]]:
        """Return the requests to send: one, or one a variant, with only the analyses that are switched on.

        Args:
            weights: the checkpoint file that they start from; None: from the initial point.

        Returns:
            The requests.
        """
        origin = {"origin": {"checkpoint": weights}} if weights else {}
        return [{**self._sent(overlay(self.request, variant.items())), **origin} for variant in self.variants or ({},)]

    def analyses(self) -> list[dict[str, Any]]:
        """Return the analyses that start along with the race: on its problem, by the rules that its lanes have now."""
        request = self.requests()[0]
        rules = [{"name": lane["name"], "optimizer": lane["optimizer"]} for lane in request["lanes"][:MOST_RULES]]
        shared = {name: request[name] for name in ("problem", "seed", "dtype", "device")}
        asked = [
            {
                "kind": "analyse",
                "name": f"{title_of(each)} of {request['name']}"[:200] if request["name"] else "",
                **shared,
                "analysis": {**each, "rules": rules},
            }
            for each in self.also
        ]
        return [analysis for analysis in asked if _valid(AnalyseRequest, analysis)]

    def possible(self) -> bool:
        """Say whether all requests are valid."""
        return all(_valid(TrainRequest, request) for request in self.requests())

    def field_path(self, path: str) -> str:
        """Say which field of the form an error's path means: probes that are off are not sent, so places shift."""
        parts = path.split(".")
        if parts[0] != "probes" or len(parts) < 2 or not parts[1].isdigit() or int(parts[1]) >= len(self.on):
            return path
        place = ANALYSES.index(self.on[int(parts[1])])
        if len(parts) > 3 and parts[3] in SHARED and on_plane(self.request["probes"][place]):
            place = 0
        return ".".join(["probes", str(place), *parts[2:]])

    def _sent(self, request: dict[str, Any]) -> dict[str, Any]:
        for probe in request["probes"][1:]:
            _share(request["probes"][0], probe)
        request["probes"] = [p for p in request["probes"] if get(p, "analysis.kind") in self.on]
        return request


def _valid(kind: type[TrainRequest | AnalyseRequest], request: Mapping[str, Any]) -> bool:
    try:
        kind.model_validate_json(json.dumps(request))
    except ValidationError:
        return False
    return True


def title_of(analysis: Mapping[str, Any]) -> str:
    """Return what an analysis is called."""
    return next(spec.title for spec in ANALYSIS_KINDS if kind_of(spec) == analysis["kind"])


def _probe(kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Make the probe of an analysis that is off, with what it shares with those that are on."""
    probe = Probe().model_dump(mode="json")
    spec = PROBE_KINDS[ANALYSES.index(kind)]
    probe["analysis"] = {**default_of(spec), **spec.along}
    for other in given.values():
        _share(other, probe)
    return probe


def on_plane(probe: Mapping[str, Any]) -> bool:
    """Say whether a probe looks at the plane that the set-up chooses once for all."""
    return "plane" in probe["analysis"]


def _share(source: Mapping[str, Any], target: dict[str, Any]) -> None:
    for name in SHARED if on_plane(source) and on_plane(target) else ():
        if name in source["analysis"] and name in target["analysis"]:
            target["analysis"][name] = copy.deepcopy(source["analysis"][name])


def _with_request(draft: Draft, request: dict[str, Any]) -> Draft:
    """Change the request; the variants stay as long as they make sense, all of them or none."""
    there = all(_there(request, path) for variant in draft.variants for path in variant)
    plain, changed = (replace(draft, request=request, variants=kept) for kept in ((), draft.variants))
    return changed if there and (changed.possible() or not plain.possible()) else plain


def _there(request: Mapping[str, Any], path: str) -> bool:
    parent, _, name = path.rpartition(".")
    found = get(request, parent) if parent else request
    return name in found if isinstance(found, Mapping) else isinstance(found, list) and int(name) < len(found)


def kind_at(request: Mapping[str, Any], path: str) -> Any:
    """Return the kind of the union at a path; of a list of them, all kinds; of a problem of one's own, its name."""
    if path == PATH:
        return get(request, f"{path}.name")
    found = get(request, path)
    return [get(each, "kind") for each in found] if isinstance(found, list) else get(request, f"{path}.kind")


def with_kinds(draft: Draft, path: str, kinds: Iterable[str]) -> Draft:
    """Choose the members of the list at a path, in this order; those that were there keep their settings."""
    request = copy.deepcopy(draft.request)
    before = {each["kind"]: each for each in get(request, path) or ()}
    put(request, path, [before.get(kind) or default_of(member_of(path.rsplit(".", 1)[-1], kind)) for kind in kinds])
    return _with_request(draft, request)


def with_kind(draft: Draft, path: str, kind: str, entries: Sequence[CustomEntry] = ()) -> Draft:
    """Choose another member of the union at a path: its defaults, and what must change along with it."""
    request = copy.deepcopy(draft.request)
    if path == PATH:
        entry = entry_named(entries, kind)
        request["problem"] = request["problem"] if entry is None else copy.deepcopy(entry.request)
        _rename(request)
        return _with_request(draft, request)
    member = member_of(path.rsplit(".", 1)[-1], kind)
    before = get(request, f"{path}.kind")
    put(request, path, default_of(member))
    if path.startswith("problem."):
        _fit_problem(request)
        if path in WHAT:
            _rename(request)
    if path.endswith(".optimizer") and before:
        lane = request["lanes"][int(path.split(".")[1])]
        if not member.filtered:
            lane["filters"] = []
        if lane["name"].startswith(member_of("optimizer", before).title):
            lane["name"] = _free_name(member.title, [other["name"] for other in request["lanes"] if other is not lane])
    return _with_request(draft, request)


def with_family(draft: Draft, family: str, entries: Sequence[CustomEntry] = ()) -> Draft:
    """Choose a network on data (``data``), a test function (``function``), an equation (``pde``), or one's own."""
    request = copy.deepcopy(draft.request)
    kinds: dict[str, Any] = {"data": DataProblem, "function": FunctionProblem, "pde": PdeProblem}
    own = family == "custom"
    request["problem"] = copy.deepcopy(entries[0].request) if own else default_of(kinds[family])
    size = min(128, entries[0].examples) if own else 128
    request["batch_size"] = size if family == "data" or own else None
    request["dtype"] = "float64" if family == "pde" else "float32"
    plane = "coordinates" if family == "function" else "pca"
    request["probes"][0]["analysis"]["plane"] = default_of(member_of("plane", plane))
    _rename(request)
    return _with_request(replace(draft, also=()), request)  # they are of what there was


def with_lane(draft: Draft, like: int | None = None) -> Draft:
    """Add a lane at the end: a copy of another one, or the first rule that no lane has yet."""
    request = copy.deepcopy(draft.request)
    lanes = request["lanes"]
    if len(lanes) >= MOST_LANES:
        return draft
    if like is None:
        used = {get(lane, "optimizer.kind") for lane in lanes}
        rule = next((rule for rule in UNIONS["optimizer"] if kind_of(rule) not in used), UNIONS["optimizer"][0])
        lane = {**default_of(Lane), "name": rule.title, "optimizer": default_of(rule)}
    else:
        lane = copy.deepcopy(lanes[like])
    lanes.append({**lane, "name": _free_name(lane["name"], [other["name"] for other in lanes])})
    return _with_request(draft, request)


def without_lane(draft: Draft, index: int) -> Draft:
    """Remove a lane; the last one stays."""
    request = copy.deepcopy(draft.request)
    if len(request["lanes"]) > 1:
        del request["lanes"][index]
    places = any(path.startswith("lanes.") for variant in draft.variants for path in variant)
    return _with_request(replace(draft, variants=()) if places else draft, request)


def _fit_problem(request: dict[str, Any]) -> None:
    """Replace the parts of a data problem that cannot go with its data: losses of classes, networks of images."""
    problem = request["problem"]
    if "data" not in problem:
        return
    data = member_of("data", problem["data"]["kind"])
    loss = problem["loss"]["kind"]
    if data.classes is None and loss != "mse":
        problem["loss"] = default_of(member_of("loss", "mse"))
    elif data.classes not in (None, 2) and loss == "logistic":
        problem["loss"] = default_of(member_of("loss", "cross_entropy"))
    if data.image is None and member_of("model", problem["model"]["kind"]).needs_image:
        problem["model"] = default_of(member_of("model", "mlp"))
    size, most = request["batch_size"], training_examples(data())
    if isinstance(size, int) and size > most:
        request["batch_size"] = None


def _rename(request: dict[str, Any]) -> None:
    """Let a run be called after what it does where its name is a preset's, which was of another problem."""
    if request["name"] in {preset.request.get("name") for preset in PRESETS}:
        request["name"] = ""


def _free_name(name: str, taken: Iterable[str]) -> str:
    """Return the name itself where it is free, or with the first number that makes it so."""
    base = re.sub(r" \d+$", "", name) if name in taken else name
    return next(n for n in (name, *(f"{base} {i}" for i in range(2, 99))) if n not in taken)
