"""What a run has kept on disk."""

from backend.schemas.base import WireModel


class KeptSnapshot(WireModel):
    """A moment of a lane that can be looked at again; where ``resumable``, training can go on from it bit-exact."""

    lane: str
    repeat: int
    step: int
    bytes: int
    resumable: bool


class CheckpointFile(WireModel):
    """A file of weights that runs can start from, as ``{"checkpoint": NAME}``: its tensors' shapes by name."""

    name: str
    tensors: dict[str, tuple[int, ...]]
    bytes: int


class CheckpointMatch(WireModel):
    """What of a file of weights fits a problem, by name and shape; ``fits`` is null where the problem does not say."""

    name: str
    fits: bool | None
    fitting: int = 0
    wanted: int = 0
    missing: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
