"""Tensors of a TorchScript archive, read without loading its program.

`torch.jit.load` runs what the archive's classes do when they are restored, and that program can
write files. Here `data.pkl` is read by an unpickler that knows tensors and holders of attributes,
and nothing else; the program in `code/` is never looked at.
"""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gcdp_bench.io.safe_pickle import PlainUnpickler
from gcdp_bench.io.validation import reason

DTYPES: Mapping[str, torch.dtype] = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
LISTS = ("build_intlist", "build_tensorlist", "build_doublelist", "build_boollist")
DATA = "/data.pkl"


def torchscript_tensors(path: Path) -> dict[str, Tensor] | None:
    """Tensors of a TorchScript archive by dotted names; None where the file is not one.

    Constants and attributes that are no tensors are left out.

    Raises:
        ValueError: it is damaged, or asks for something that is no tensor.
    """
    try:
        if not zipfile.is_zipfile(path):
            return None
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.count("/") == 1]
            if not any(name.endswith("/constants.pkl") for name in names):
                return None
            (data,) = (name for name in names if name.endswith(DATA))
            content = _stored(archive, data)
            root = _Objects(content, archive, data.removesuffix(DATA)).load()
            return dict(_tensors(root, ""))
    except Exception as error:  # damaged bytes raise almost anything in the unpickler
        raise ValueError(
            f"{path}: expected a TorchScript archive of tensors, got {type(error).__name__}: "
            f"{reason(error)}; restore the file, or save its tensors alone"
        ) from error


class _Holder:
    """Stands for a module: keeps the attributes that it is given."""

    def __setstate__(self, state: Mapping[str, Any]):
        if not isinstance(state, Mapping):
            raise pickle.UnpicklingError(f"expected attributes by name, got {type(state).__name__}")
        self.attributes = dict(state)


class _Objects(PlainUnpickler):
    """Builds tensors and holders; refuses every other class and function."""

    def __init__(self, content: bytes, archive: zipfile.ZipFile, prefix: str):
        super().__init__(content)
        self._archive, self._prefix = archive, prefix
        self._records: dict[str, bytes] = {}

    def find_class(self, module: str, name: str) -> Any:
        """The classes that an archive of tensors needs.

        Raises:
            UnpicklingError: anything else.
        """
        known: dict[tuple[str, str], Callable[..., Any]] = {
            ("torch._utils", "_rebuild_tensor_v2"): _rebuild,
            ("torch._utils", "_rebuild_parameter"): lambda tensor, *_: tensor,
            ("collections", "OrderedDict"): OrderedDict,
            **{("torch.jit._pickle", kind): list for kind in LISTS},
        }
        if module == "__torch__" or module.startswith("__torch__."):
            return _Holder
        if module == "torch" and name in DTYPES:
            return DTYPES[name]
        if (module, name) in known:
            return known[module, name]
        return super().find_class(module, name)

    def persistent_load(self, pid: Any) -> Tensor:
        """Numbers of a stored tensor, one-dimensional.

        Raises:
            UnpicklingError: their record has another size than said.
        """
        _, dtype, key, _, num = pid
        if key not in self._records:
            self._records[key] = _stored(self._archive, f"{self._prefix}/data/{key}")
        record = self._records[key]
        if not isinstance(dtype, torch.dtype) or len(record) != num * dtype.itemsize:
            raise pickle.UnpicklingError(f"data/{key} has {len(record)} bytes, not {num} numbers")
        return torch.frombuffer(bytearray(record), dtype=dtype) if num else torch.empty(0).to(dtype)


def _rebuild(numbers: Tensor, offset: int, size: Any, stride: Any, *_: Any) -> Tensor:
    """The tensor of some numbers; it never reaches beyond them."""
    last = offset + sum((extent - 1) * step for extent, step in zip(size, stride, strict=True))
    if min([offset, *size, *stride], default=0) < 0 or (0 not in size and last >= len(numbers)):
        raise pickle.UnpicklingError(f"a tensor of {tuple(size)} reaches beyond its numbers")
    return numbers.as_strided(tuple(size), tuple(stride), offset).clone()


def _stored(archive: zipfile.ZipFile, name: str) -> bytes:
    """Content of an entry that is not compressed, so that it is no larger than the file."""
    entry = archive.getinfo(name)
    if entry.compress_type != zipfile.ZIP_STORED:
        raise pickle.UnpicklingError(f"{name} is compressed")
    return archive.read(entry)


def _tensors(holder: Any, prefix: str) -> Iterator[tuple[str, Tensor]]:
    if not isinstance(holder, _Holder):
        raise pickle.UnpicklingError(f"expected a module, got {type(holder).__name__}")
    for name, value in getattr(holder, "attributes", {}).items():
        if isinstance(value, Tensor):
            yield f"{prefix}{name}", value
        elif isinstance(value, _Holder):
            yield from _tensors(value, f"{prefix}{name}.")
