"""Features on disk: float32 arrays [G, D] by key, in two files that only grow.

``index`` begins with a random name, that of the file with the features, ``<name>.f32``: rows of D
numbers, one after another. One record for each key follows: where its rows begin, how many there
are, and two checksums. Nothing is overwritten that a record has pointed at, so that processes can
read while another appends. Appending is one at a time, by a lock of the system's, which a process
that dies does not leave behind. What it had half written is a record that is too short or has a
wrong checksum, or rows that no record points at: those are dropped, these passed over.

Sizes: G groups (rows) of a key, D features.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

import numpy as np
import numpy.typing as npt

Features = npt.NDArray[np.float32]
Place = tuple[int, int]
"""Where a key's rows begin, and how many there are."""

KEY_BYTES = 16
MAGIC = b"lingymf1"
NAME_BYTES = 16
BEGIN = len(MAGIC) + NAME_BYTES
RECORD = np.dtype(
    [
        ("key", f"V{KEY_BYTES}"),
        ("start", "<u8"),
        ("count", "<u4"),
        ("of_rows", "<u4"),  # CRC-32 of the rows
        ("of_record", "<u4"),  # CRC-32 of the fields above
    ]
)
_CHECKED = RECORD.itemsize - 4  # bytes of a record that its own checksum is of


class FeatureStore:
    """The features of one encoder.

    Args:
        folder: is made with the first `add`; deleting it is how it is emptied.
        width: D.
    """

    def __init__(self, folder: Path, width: int) -> None:
        self.folder, self.width = folder, width
        self._forget()

    def find(self, keys: Sequence[bytes]) -> list[Place | None]:
        """Where the rows of each key are, None where there are none.

        What other processes have added since is looked for if a key is not known. Rows are checked
        when they are first asked for; those that do not pass are none.
        """
        places = [self._places.get(key) for key in keys]
        if None in places:
            self._refresh()
            places = [self._places.get(key) or self._checked(key) for key in keys]
        return places

    def rows(self, place: Place) -> Features:
        """The rows [G, D] of a place that `find` gave: a view of the file, read-only."""
        return self._rows[place[0] : place[0] + place[1]]

    def add(self, keys: Sequence[bytes], features: Sequence[Features]) -> None:
        """Append the rows [G, D] of keys; those of a key that is there are left as they are.

        Raises:
            OSError: the folder cannot be written, or the disk is full. What was there stays.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with _locked(self.folder / "lock"):
            self._refresh()
            if self.nbytes < 4 * self.width * self._end:  # emptied, but for the index
                self._forget()
            new = {
                key: np.ascontiguousarray(rows, np.float32)
                for key, rows in zip(keys, features, strict=True)
                if key not in self._places and key not in self._unchecked
            }
            if new:
                self._append(new)

    @property
    def nbytes(self) -> int:
        """The size of the file of features."""
        file = self._file()
        return file.stat().st_size if file.exists() else 0

    def __len__(self) -> int:
        """Keys that are known of."""
        return len(self._places) + len(self._unchecked)

    def _forget(self) -> None:
        self._name = b""
        self._seen = 0  # bytes of the index
        self._end = 0  # the row after the last that a record points at
        self._places: dict[bytes, Place] = {}
        self._unchecked: dict[bytes, tuple[Place, int]] = {}
        self._rows: Features = np.empty((0, self.width), np.float32)

    def _file(self) -> Path:
        return self.folder / f"{self._name.hex()}.f32"

    def _refresh(self) -> None:
        """Read the records that were added since; all anew where the folder was emptied."""
        try:
            with (self.folder / "index").open("rb") as index:
                head = index.read(BEGIN)
                if head != MAGIC + self._name:
                    self._forget()
                    if len(head) < BEGIN or not head.startswith(MAGIC):
                        return
                    self._name, self._seen = head[len(MAGIC) :], BEGIN
                index.seek(self._seen)
                data = index.read()
        except OSError:  # there is none, or none that can be read; `add` says why
            self._forget()
            return
        whole = len(data) // RECORD.itemsize * RECORD.itemsize
        for record in np.frombuffer(data[:whole], RECORD):
            if crc32(record.tobytes()[:_CHECKED]) != record["of_record"]:
                break  # torn, or being written at this moment
            self._know(record)

    def _know(self, record: np.void) -> None:
        place = (int(record["start"]), int(record["count"]))
        key = record["key"].tobytes()
        self._places.pop(key, None)
        self._unchecked[key] = (place, int(record["of_rows"]))
        self._end = max(self._end, sum(place))
        self._seen += RECORD.itemsize

    def _checked(self, key: bytes) -> Place | None:
        """The place of a key whose rows were not looked at yet, if they are what was written."""
        if key not in self._unchecked:
            return None
        place, wanted = self._unchecked.pop(key)
        if sum(place) > len(self._rows):
            count = self.nbytes // (4 * self.width)
            if count < sum(place):
                return None
            self._rows = np.memmap(self._file(), np.float32, "r", shape=(count, self.width))
        if crc32(self.rows(place).data) != wanted:
            return None
        self._places[key] = place
        return place

    def _append(self, new: dict[bytes, Features]) -> None:
        """Write rows after all that are there, and then the records of them."""
        if not self._name:
            self._name, self._seen = os.urandom(NAME_BYTES), BEGIN
            begun = self.folder / "index.new"
            begun.write_bytes(MAGIC + self._name)
            begun.replace(self.folder / "index")
            for old in self.folder.glob("*.f32"):  # that no index names any more
                old.unlink()
        row = 4 * self.width
        with self._file().open("ab") as file:
            start = -(-file.tell() // row)  # after a row that was torn
            file.write(bytes(start * row - file.tell()))
            for rows in new.values():
                file.write(rows.data)
        records = np.zeros(len(new), RECORD)
        for record, (key, rows) in zip(records, new.items(), strict=True):
            record["key"], record["start"], record["count"] = key, start, len(rows)
            record["of_rows"] = crc32(rows.data)
            record["of_record"] = crc32(record.tobytes()[:_CHECKED])
            start += len(rows)
        with (self.folder / "index").open("r+b") as index:
            index.truncate(self._seen)  # of a torn tail
            index.seek(self._seen)
            index.write(records.tobytes())
        for record in records:
            self._know(record)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Hold the lock of a file that is made for it."""
    import fcntl  # not on Windows

    with file.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
