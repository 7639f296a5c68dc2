"""The one unpickler: it builds plain values and runs nothing."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Mapping
from typing import Any, ClassVar


class PlainUnpickler(pickle._Unpickler):
    """Builds the containers, texts and numbers of a pickle's own opcodes; imports nothing.

    Of the two unpicklers of the library this one is written in Python: the other takes as much
    memory as a number in the file says.
    """

    def __init__(self, content: bytes):
        super().__init__(io.BytesIO(content))

    def find_class(self, module: str, name: str) -> Any:
        """Refuse every global.

        Raises:
            UnpicklingError: always.
        """
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is not run")

    def _refuse_bytearray(self) -> None:
        """Its memory would be taken before its bytes are there."""
        raise pickle.UnpicklingError("it holds a bytearray, which no list or tensor needs")

    dispatch: ClassVar[Mapping[int, Callable[[Any], None]]] = {
        **pickle._Unpickler.dispatch,
        pickle.BYTEARRAY8[0]: _refuse_bytearray,
    }
