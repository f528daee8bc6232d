"""NumPy's .npz files, read without trust: no pickle, and no more memory than the file says."""

import zipfile
import zlib
from io import BytesIO
from math import prod
from pathlib import Path
from struct import error as StructError
from tokenize import TokenError
from typing import Any

import numpy as np
import numpy.typing as npt

from lingym.types import DataError

MOST = 1 << 32
"""The most bytes that all arrays of a file may take."""


def load_npz(file: str | Path) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a file by name.

    Raises:
        DataError: it cannot be read, is torn, is no .npz file, has more than `MOST` bytes, or an
            array's shape is not that of its bytes.
    """
    try:
        with zipfile.ZipFile(file) as packed:
            if sum(info.file_size for info in packed.infolist()) > MOST:
                raise ValueError(f"it unpacks to more than {MOST >> 30} GiB")
            return {
                info.filename.removesuffix(".npy"): _array(packed.read(info))
                for info in packed.infolist()
            }
    except (
        *(zipfile.BadZipFile, zlib.error, StructError, OSError, EOFError, ValueError),
        *(KeyError, TypeError, SyntaxError, NotImplementedError, OverflowError, RuntimeError),
        *(MemoryError, TokenError),  # of a header that is nested deeply, or torn
    ) as error:
        told = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        raise DataError(
            f"{file}: no .npz file that can be read ({told or type(error).__name__})"
        ) from None


def _array(content: bytes) -> npt.NDArray[Any]:
    """An array, once its header is known to tell of as many bytes as there are."""
    stream = BytesIO(content)
    version = np.lib.format.read_magic(stream)
    header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if header is None:
        raise ValueError(f"an array of format {version}")
    shape, _, kind = header(stream)
    wanted = prod(shape) * kind.itemsize
    if kind.hasobject or min(shape, default=0) < 0 or wanted != len(content) - stream.tell():
        raise ValueError(f"an array {kind} {list(shape)} of {len(content) - stream.tell()} bytes")
    found: npt.NDArray[Any] = np.load(BytesIO(content), allow_pickle=False)
    return found
