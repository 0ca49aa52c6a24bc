"""Checkpoint files: both forms against torch's own, ten thousand broken ones, and what they are matched with."""

import io
import json
import pickle
import random
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save
from torch import nn

from backend.jobs.errors import InvalidRequest, NotFound, Unsupported
from backend.jobs.weights.bad import BadWeights
from backend.jobs.weights.folder import CheckpointFolder, read_weights
from backend.jobs.weights.matched import matched
from backend.jobs.weights.state_dict import read_state_dict


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 2))


def saved(what: Any, **more: Any) -> bytes:
    file = io.BytesIO()
    torch.save(what, file, **more)
    return file.getvalue()


STATE = network().state_dict()
TENSORS, DICT = save(STATE), saved(STATE)


@pytest.mark.parametrize(
    "dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.bool]
)
@pytest.mark.parametrize("form", ["safetensors", "state dict"])
def test_both_forms_are_read_as_torch_reads_them(dtype: torch.dtype, form: str) -> None:
    state = {name: (each * 10).to(dtype) for name, each in STATE.items()}
    state["transposed"] = torch.arange(6).reshape(2, 3).to(dtype).t()
    state["empty"] = torch.zeros(0, 3, dtype=dtype)
    state["part"] = torch.arange(10).to(dtype)[3:9:2]
    data = save({name: each.contiguous() for name, each in state.items()}) if form == "safetensors" else saved(state)
    found = read_weights(data)
    assert list(found) == list(state) if form == "state dict" else set(found) == set(state)
    for name, each in state.items():
        expected = each.to(torch.float32) if dtype == torch.bfloat16 else each
        np.testing.assert_array_equal(found[name], expected.numpy())


def test_weights_inside_a_training_checkpoint_are_found() -> None:
    found = read_weights(saved({"epoch": 3, "rates": [0.1, None, True], "state_dict": STATE}))
    assert set(found) == set(STATE)
    parameters = read_weights(saved(dict(network().named_parameters())))
    assert set(parameters) == {name for name, _ in network().named_parameters()}


class Evil:
    def __reduce__(self) -> Any:
        return (print, ("run",))


def repacked(text: bytes, compression: int = zipfile.ZIP_STORED) -> bytes:
    """A state dict's zip with another pickle inside."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(DICT)) as old, zipfile.ZipFile(out, "w", compression) as new:
        for about in old.infolist():
            new.writestr(about.filename, text if about.filename.endswith("data.pkl") else old.read(about))
    return out.getvalue()


def tensor_file(header: Any, body: bytes = b"") -> bytes:
    text = json.dumps(header).encode() if not isinstance(header, bytes) else header
    return len(text).to_bytes(8, "little") + text + body


ONE = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "got neither"),
        (pickle.dumps({"w": 1}), "got neither"),
        (saved(STATE, _use_new_zipfile_serialization=False), "got neither"),
        (saved(network()), "torch.nn.modules.container.Sequential, which is no weights; save the weights alone"),
        (repacked(pickle.dumps({"w": Evil()}, 2)), "__builtin__.print, which is no weights"),
        (repacked(pickle.dumps({"w": 1}, 2)), "a dictionary of tensors, got one without any"),
        (repacked(DICT, zipfile.ZIP_DEFLATED), "files are packed"),
        (saved([STATE["0.weight"]]), "expected a dictionary of tensors"),
        (DICT[: len(DICT) // 2], "cannot be read"),
        (tensor_file(b"[" * 100_000), "not valid JSON"),
        (tensor_file([1]), "to be an object"),
        (tensor_file({"w": 3}), "says too little of 'w'"),
        (tensor_file({"w": {**ONE, "dtype": "F8"}}), "got 'F8'"),
        (tensor_file({"w": {**ONE, "shape": [-1]}}, bytes(4)), "expected a tensor"),
        (tensor_file({"w": {**ONE, "shape": [0, 2**70], "data_offsets": [0, 0]}}), "expected a tensor"),
        (tensor_file({"w": {**ONE, "shape": [2]}}, bytes(4)), "do not fit"),
        (tensor_file({"w": ONE, "v": ONE}, bytes(4)), "gaps or overlaps"),
        (tensor_file({"w": ONE}, bytes(8)), "speaks of 4 bytes of tensors, and there are 8"),
        (tensor_file({}), "holds no tensor"),
        (tensor_file({"a\x00b": ONE}, bytes(4)), "readable names"),
        ((2**60).to_bytes(8, "little") + b"{}", "got neither"),
    ],
)  # fmt: skip
def test_anything_else_is_refused_in_a_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(BadWeights) as refused:
        read_weights(data)
    assert sentence in str(refused.value)


def test_a_few_numbers_are_not_blown_up() -> None:
    """Ten thousand tensors that all show the same numbers would take ten thousand times their room."""
    shared = torch.zeros(1000)
    with pytest.raises(BadWeights, match="share their numbers more often"):
        read_state_dict(saved({str(i): shared for i in range(10_000)}))
    with pytest.raises(BadWeights, match="share their numbers more often"):
        read_state_dict(saved({str(i): shared.view(-1) for i in range(1_000)}))
    with pytest.raises(BadWeights, match="reaches beyond its storage"):
        read_state_dict(saved({"w": torch.zeros(1).expand(10**9)}))


def broken(draw: random.Random) -> bytes:
    """A file of either form with a few bytes changed, left out or put in; sometimes within the pickle alone."""
    kind = draw.randrange(3)
    inner = b""
    if kind == 2:
        with zipfile.ZipFile(io.BytesIO(DICT)) as archive:
            inner = next(archive.read(name) for name in archive.namelist() if name.endswith("data.pkl"))
    data = bytearray((TENSORS, DICT, inner)[kind])
    for _ in range(draw.choice((1, 1, 2, 8))):
        place = draw.randrange(len(data))
        match draw.randrange(4):
            case 0:
                data[place] ^= 1 << draw.randrange(8)
            case 1:
                data[place] = draw.randrange(256)
            case 2:
                del data[place : place + draw.randrange(1, min(64, len(data)))]
            case _:
                data[place:place] = draw.randbytes(draw.randrange(1, 16))
    return repacked(bytes(data)) if kind == 2 else bytes(data)


# pickletools reads text of old protocols before the reader gets to refuse it
@pytest.mark.filterwarnings("ignore:invalid escape sequence:DeprecationWarning")
def test_ten_thousand_broken_files_are_refused_or_read() -> None:
    draw, ends = random.Random(0), Counter[str]()
    for _ in range(10_000):
        try:
            found = read_weights(broken(draw))
        except BadWeights:
            ends["refused"] += 1
        else:
            assert all(isinstance(each, np.ndarray) for each in found.values())
            ends["read"] += 1
    assert ends["read"] + ends["refused"] == 10_000
    assert min(ends.values()) > 500, ends


def test_the_folder_keeps_uploads_and_finds_files_put_there(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path / "checkpoints")
    assert folder.all() == []
    kept = folder.save("mine.v2", DICT)
    assert (kept.name, kept.tensors["0.weight"]) == ("mine.v2", (8, 4))
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["mine.v2.safetensors"]
    (tmp_path / "checkpoints" / "by_hand.pt").write_bytes(DICT)
    (tmp_path / "checkpoints" / "broken.pt").write_bytes(DICT[:99])
    (tmp_path / "elsewhere.pt").write_bytes(DICT)
    (tmp_path / "checkpoints" / "link.pt").symlink_to(tmp_path / "elsewhere.pt")
    assert [each.name for each in folder.all()] == ["by_hand", "mine.v2"]
    for name in ("by_hand", "mine.v2"):
        np.testing.assert_array_equal(folder.read(name)["2.bias"], STATE["2.bias"].numpy())
    with pytest.raises(NotFound, match=r"there are: broken, by_hand, mine\.v2"):
        folder.path("link")
    folder.delete("mine.v2")
    with pytest.raises(NotFound):
        folder.path("../elsewhere")


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", ".hidden", "a\x00", "x" * 101, "mine.pt", "C:\\x", "ä"])
def test_names_stay_in_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidRequest, match="expected a name of letters"):
        CheckpointFolder(tmp_path / "checkpoints").save(name, TENSORS)
    assert not list(tmp_path.iterdir())


def test_tensors_are_matched_by_name_and_shape() -> None:
    params, buffers = [("w", (2, 3)), ("b", (2,))], [("mean", (2,))]
    arrays: dict[str, Any] = {
        "b": np.ones(2),
        "mean": np.full(2, 3.0),
        "w": np.arange(6.0).reshape(2, 3),
        "more": np.ones(1),
    }
    for prefix in ("", "module.", "_orig_mod.module."):
        found = matched("mine", {prefix + name: each for name, each in arrays.items()}, params, buffers)
        np.testing.assert_array_equal(found.params_P, [0, 1, 2, 3, 4, 5, 1, 1])
        np.testing.assert_array_equal(found.buffers_B, [3, 3])
        assert found.unused == ("more",)
    with pytest.raises(Unsupported) as refused:
        matched("mine", {"w": np.ones((3, 2)), "b": np.ones(2), "more": np.ones(1)}, params, buffers)
    assert str(refused.value) == (
        "checkpoint mine: 1 of the problem's 3 tensors match by name and shape; missing: mean; "
        "of another shape: w ([2, 3] expected, [3, 2] there); not used: more"
    )
