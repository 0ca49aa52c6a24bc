"""The form of ``torch.save(model.state_dict(), file)``: a zip of a pickle and the tensors' bytes.

The pickle is never unpickled. Its opcodes are followed one by one, and only those are known that build dictionaries,
lists and tensors; a name of anything else ends it.
"""

import io
import math
import pickletools
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from backend.jobs.weights.bad import BadWeights
from backend.jobs.weights.tensor_file import numbers_of, whole

ADVICE: Final = "save the weights alone, by torch.save(model.state_dict(), file) or safetensors"
STORAGES: Final[Mapping[str, str]] = {
    "DoubleStorage": "<f8", "FloatStorage": "<f4", "HalfStorage": "<f2", "BFloat16Storage": "<u2",
    "LongStorage": "<i8", "IntStorage": "<i4", "ShortStorage": "<i2", "CharStorage": "|i1", "ByteStorage": "|u1",
    "BoolStorage": "|b1",
}  # fmt: skip
REBUILDS: Final = ("torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_parameter")
DICTIONARY: Final = "collections OrderedDict"
SHARED: Final = 4  # times that tensors may share the file's numbers, as tied weights do
BLOWN_UP: Final = "the tensors share their numbers more often than weights do"
MOST_OPCODES: Final = 5_000_000
INNER: Final = ("state_dict", "model_state_dict", "model")  # where others put it


@dataclass(frozen=True)
class _Name:
    """A name that the pickle may speak of."""

    name: str


class _Mark:
    """Where a list on the stack begins."""


def read_state_dict(data: bytes) -> dict[str, NDArray[Any]]:
    """Read a state dict.

    Args:
        data: the whole file.

    Returns:
        Its tensors by name; bfloat16 as float32.

    Raises:
        BadWeights: where it is broken, packed, or holds anything but numbers.
    """
    try:
        files = _files(data)
        told = _follow(files)
    except BadWeights:
        raise
    except (
        ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError, EOFError, zipfile.BadZipFile,
        zlib.error, RuntimeError,
    ) as error:  # fmt: skip
        raise BadWeights(f"the state dict cannot be read ({type(error).__name__}); {ADVICE}") from None
    inner = next((told[key] for key in INNER if isinstance(told.get(key), dict)), told)
    found = {key: each for key, each in inner.items() if isinstance(key, str) and isinstance(each, np.ndarray)}
    if not found:
        raise BadWeights(f"expected a dictionary of tensors, got one without any; {ADVICE}")
    if sum(each.nbytes for each in found.values()) > SHARED * len(data):  # one tensor under many names
        raise BadWeights(BLOWN_UP)
    return found


def _files(data: bytes) -> dict[str, bytes]:
    """Return the zip's files without their common folder; only unpacked ones, as torch writes them."""
    found, total = {}, 0
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for about in archive.infolist():
            if about.compress_type != zipfile.ZIP_STORED or about.file_size != about.compress_size:
                raise BadWeights(f"the state dict's files are packed, which torch.save does not do; {ADVICE}")
            total += about.file_size
            if total > len(data):
                raise BadWeights("the state dict's files overlap")
            found[about.filename.partition("/")[2]] = archive.read(about)
    if "data.pkl" not in found:
        raise BadWeights("expected a state dict saved by torch.save, got another zip file")
    return found


class _Reader:
    """The stack and the memory of a pickle that is being followed."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files
        self.stack: list[Any] = []
        self.memory: dict[int, Any] = {}
        self.room = SHARED * sum(len(each) for each in files.values())  # bytes that all tensors may take

    def since_mark(self) -> list[Any]:
        """Take what lies above the last mark."""
        place = max(i for i, each in enumerate(self.stack) if isinstance(each, _Mark))
        taken = self.stack[place + 1 :]
        del self.stack[place:]
        return taken

    def tensor(self, about: Any) -> NDArray[Any]:
        """Return what a storage's numbers are as a tensor."""
        storage, offset, shape, strides = about[:4]
        if not all(whole(each) for each in (offset, *shape, *strides)) or len(shape) != len(strides) or len(shape) > 32:
            raise BadWeights("a tensor's shape, place or strides are not whole numbers")
        last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
        count = math.prod(shape)
        if count and (last >= len(storage) or count > len(storage)):
            raise BadWeights("a tensor reaches beyond its storage; the file may be cut short")
        self.room -= count * storage.itemsize
        if self.room < 0:
            raise BadWeights(BLOWN_UP)
        start = storage[offset:] if count else storage[:0]
        steps = [stride * storage.itemsize for stride in strides]
        return as_strided(start, shape, steps).copy() if count else np.zeros(shape, storage.dtype)

    def storage(self, about: Any) -> NDArray[Any]:
        """Return the numbers that a persistent id names."""
        tag, kind, key, _place, count = about
        if tag != "storage" or not isinstance(kind, _Name) or not isinstance(key, str):
            raise BadWeights(f"the state dict speaks of something that is no tensor; {ADVICE}")
        name = kind.name.partition(" ")[2]
        raw, dtype = self.files[f"data/{key}"], np.dtype(STORAGES[name])
        if type(count) is not int or count * dtype.itemsize != len(raw):
            raise BadWeights("a storage's length is not that of its file; the file may be cut short")
        return numbers_of(raw, dtype, brain=name == "BFloat16Storage")


def _name(module_and_name: str) -> _Name:
    module, _, name = module_and_name.partition(" ")
    if module_and_name in (*REBUILDS, DICTIONARY) or (module == "torch" and name in STORAGES):
        return _Name(module_and_name)
    raise BadWeights(f"the file speaks of {module_and_name.replace(' ', '.')[:80]}, which is no weights; {ADVICE}")


def _reduce(reader: _Reader, call: Any, given: Any) -> Any:
    if isinstance(call, _Name) and call.name == DICTIONARY and not given:
        return {}
    if isinstance(call, _Name) and call.name == REBUILDS[0]:
        return reader.tensor(given)
    if isinstance(call, _Name) and call.name == REBUILDS[1] and isinstance(given[0], np.ndarray):
        return given[0]
    raise BadWeights(f"the file calls something that makes no tensor; {ADVICE}")


def _follow(files: Mapping[str, bytes]) -> dict[Any, Any]:
    """Follow the opcodes to the end.

    Returns:
        The dictionary that they build.

    Raises:
        BadWeights: where an opcode or a name is none that a state dict needs.
    """
    reader = _Reader(files)
    stack, memory = reader.stack, reader.memory
    for count, (code, value, _place) in enumerate(pickletools.genops(files["data.pkl"])):
        if count > MOST_OPCODES:
            raise BadWeights("the state dict is too long")
        match code.name:
            case "PROTO" | "FRAME":
                pass
            case "STOP":
                break
            case "EMPTY_DICT":
                stack.append({})
            case "EMPTY_LIST":
                stack.append([])
            case "EMPTY_TUPLE":
                stack.append(())
            case "MARK":
                stack.append(_Mark())
            case "NONE":
                stack.append(None)
            case "NEWTRUE" | "NEWFALSE":
                stack.append(code.name == "NEWTRUE")
            case "BININT" | "BININT1" | "BININT2" | "LONG1" | "BINFLOAT" | "BINUNICODE" | "SHORT_BINUNICODE":
                stack.append(value)
            case "BINPUT" | "LONG_BINPUT":
                memory[int(str(value))] = stack[-1]
            case "MEMOIZE":
                memory[len(memory)] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(memory[int(str(value))])
            case "GLOBAL":
                stack.append(_name(str(value)))
            case "STACK_GLOBAL":
                name, module = stack.pop(), stack.pop()
                stack.append(_name(f"{module} {name}"))
            case "TUPLE":
                stack.append(tuple(reader.since_mark()))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                size = int(code.name[-1])
                taken = tuple(stack[-size:])
                if len(taken) != size:
                    raise BadWeights("the state dict is cut short")
                del stack[-size:]
                stack.append(taken)
            case "APPEND":
                item = stack.pop()
                _list(stack[-1]).append(item)
            case "APPENDS":
                items = reader.since_mark()
                _list(stack[-1]).extend(items)
            case "SETITEM":
                item, key = stack.pop(), stack.pop()
                _dict(stack[-1])[key] = item
            case "SETITEMS":
                items = reader.since_mark()
                _dict(stack[-1]).update(zip(items[::2], items[1::2], strict=True))
            case "BINPERSID":
                stack.append(reader.storage(stack.pop()))
            case "REDUCE":
                given, call = stack.pop(), stack.pop()
                stack.append(_reduce(reader, call, given))
            case "BUILD":  # an ordered dictionary's own attributes: versions of its modules
                stack.pop()
                _dict(stack[-1])
            case other:
                raise BadWeights(f"the state dict does {other.lower()}, which no weights need; {ADVICE}")
    return _dict(stack[-1])


def _list(value: Any) -> list[Any]:
    if type(value) is not list:
        raise BadWeights("the state dict puts something into what is no list")
    return value


def _dict(value: Any) -> dict[Any, Any]:
    if type(value) is not dict:
        raise BadWeights(f"expected a dictionary of tensors; {ADVICE}")
    return value
