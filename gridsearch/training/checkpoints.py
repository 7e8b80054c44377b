"""Checkpoints of a lineage: everything that goes on from an epoch, in one file that proves its own integrity.

A checkpoint is written after every epoch, so that a killed process repeats at most the epoch it was in. Waiting for
the disk each time would cost more than a small model's epoch, so only one write in `SYNC_SECONDS` is synced, into a
slot of its own: "synced" survives the death of the machine, the others, written in turn, that of the process. Each
file is written beside its target and renamed; the older of the two in turn is removed first, because some file systems
wait for the disk when a file is replaced. A file starts with the digest of the rest; what does not match is ignored,
and the next older is taken, and else the lineage starts again. The content is safetensors: loading runs no code.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from gridsearch.errors import not_writable
from gridsearch.spec.outcomes import EpochRecord

SYNC_SECONDS = 5.0
_IN_TURN = ("even", "odd")
_SLOTS = (*_IN_TURN, "synced")
_DIGEST_BYTES = 32


@dataclass(frozen=True)
class Checkpoint:
    """A lineage after its last epoch: named tensors of the model and the optimiser, and all its epochs so far."""

    tensors: dict[str, Tensor]
    history: tuple[EpochRecord, ...]

    @property
    def epoch(self) -> int:
        """Return the epoch this goes on from."""
        return self.history[-1].epoch


class CheckpointFolder:
    """The checkpoints of one lineage."""

    def __init__(self, root: Path, lineage_id: str) -> None:
        self.root, self.folder = root, root / lineage_id
        self.lineage_id = lineage_id
        self.synced_at = time.monotonic()
        self._older = _IN_TURN[0]
        self._encoded: list[tuple[EpochRecord, str]] = []

    def save(self, tensors: dict[str, Tensor], history: Sequence[EpochRecord]) -> None:
        """Write the state after the last epoch of the history; `StorageError` when the disk does not take it."""
        metadata = {"lineage": self.lineage_id, "history": self._encode(history)}
        cpu = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
        content = safetensors.torch.save(cpu, metadata)
        durable = time.monotonic() - self.synced_at >= SYNC_SECONDS
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._write(content, sync=durable)
        except OSError as error:
            raise not_writable("checkpoints", self.root, error) from error
        if durable:
            self.synced_at = time.monotonic()

    def load(self) -> Checkpoint | None:
        """Return the newest checkpoint that is sound, or None; remove what died half written."""
        for left in self.folder.glob("*.tmp"):
            left.unlink(missing_ok=True)
        found = {slot: checkpoint for slot in _SLOTS if (checkpoint := self._read(slot))}
        even, odd = ((found[slot].epoch if slot in found else -1) for slot in _IN_TURN)
        self._older = _IN_TURN[0] if even <= odd else _IN_TURN[1]
        return max(found.values(), key=lambda checkpoint: checkpoint.epoch, default=None)

    def _encode(self, history: Sequence[EpochRecord]) -> str:
        """Return the history as JSON; each record is encoded once, as histories grow long."""
        del self._encoded[len(history) :]
        for index, record in enumerate(history):
            if index < len(self._encoded) and self._encoded[index][0] is record:
                continue
            self._encoded[index:] = [(record, json.dumps(asdict(record)))]
        return f"[{','.join(text for _, text in self._encoded)}]"

    def _write(self, content: bytes, *, sync: bool) -> None:
        target = self.folder / ("synced" if sync else self._older)
        temporary = self.folder / f"{target.name}.{os.getpid()}.tmp"
        try:
            with temporary.open("wb") as file:
                file.write(sealed(content))
                if sync:
                    file.flush()
                    os.fsync(file.fileno())
            if sync:
                self._keep_as_second_copy(target)
            else:
                target.unlink(missing_ok=True)
            temporary.replace(target)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        if sync:
            _sync_folder(self.folder)
        else:
            self._older = _IN_TURN[1] if target.name == _IN_TURN[0] else _IN_TURN[0]

    def _keep_as_second_copy(self, synced: Path) -> None:
        """Move the last synced checkpoint to the slot of the older of the two in turn, unless that is newer."""
        older = self.folder / self._older
        with contextlib.suppress(FileNotFoundError):
            if not older.exists() or older.stat().st_mtime_ns < synced.stat().st_mtime_ns:
                synced.replace(older)

    def _read(self, slot: str) -> Checkpoint | None:
        try:
            raw = (self.folder / slot).read_bytes()
        except OSError:
            return None
        content = unsealed(raw)
        if content is None:
            return None
        try:
            metadata = _metadata(content)
            if metadata["lineage"] != self.lineage_id:
                return None
            history = tuple(EpochRecord(**record) for record in json.loads(metadata["history"]))
            return Checkpoint(safetensors.torch.load(content), history) if history else None
        except (SafetensorError, ValueError, KeyError, TypeError):
            return None


def sealed(content: bytes) -> bytes:
    """Return what a file that proves its own integrity holds: the digest of its content, then the content."""
    return _digest(content) + content


def unsealed(raw: bytes) -> bytes | None:
    """Return the content of such a file, or None where it is not what was written."""
    content = raw[_DIGEST_BYTES:]
    return content if raw[:_DIGEST_BYTES] == _digest(content) else None


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_DIGEST_BYTES).digest()


def _metadata(content: bytes) -> dict[str, str]:
    """Return the metadata of safetensors bytes: an 8-byte length, then a JSON header that holds them."""
    length = int.from_bytes(content[:8], "little")
    metadata: dict[str, str] = json.loads(content[8 : 8 + length])["__metadata__"]
    return metadata


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
