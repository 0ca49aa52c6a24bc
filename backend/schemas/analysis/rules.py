"""Rules that an analysis compares: a name and an update rule each."""

from typing import Any

from backend.schemas.base import SpecModel
from backend.schemas.fields import described
from backend.schemas.optimizer import AdamOptimizer, AnyOptimizer, RmspropOptimizer, SgdOptimizer


class Competitor(SpecModel):
    """An update rule under a name of its own."""

    name: str = described("SGD", "The rule's name, its own within the analysis.", min_length=1, max_length=40)
    optimizer: AnyOptimizer = described(None, "The update rule.", factory=SgdOptimizer)


def competitors(*usual: Competitor, most: int = 6) -> Any:
    """Make the ``rules`` field."""
    return described(usual, "The rules that are compared.", min_length=1, max_length=most)


def require_names(rules: tuple[Competitor, ...]) -> tuple[Competitor, ...]:
    """Return the rules, whose names must differ.

    Raises:
        ValueError: where two have the same name.
    """
    names = [rule.name for rule in rules]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"two rules are named {twice!r}; give each rule its own name")
    return rules


SGD = Competitor(name="SGD", optimizer=SgdOptimizer(lr=0.01))
MOMENTUM = Competitor(name="Momentum", optimizer=SgdOptimizer(lr=0.01, momentum=0.9))
RMSPROP = Competitor(name="RMSProp", optimizer=RmspropOptimizer(lr=0.01))
ADAM = Competitor(name="Adam", optimizer=AdamOptimizer(lr=0.05))
