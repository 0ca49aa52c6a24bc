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
