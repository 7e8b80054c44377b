"""Checkpoints of a lineage: everything that goes on from an epoch, in one file that proves its own integrity.

A checkpoint is written after every epoch, so that a killed process repeats at most the epoch it was in. Waiting for
the disk each time would cost more than a small model's epoch, so only one write in `SYNC_SECONDS` is synced, into a
slot of its own: "synced" survives the death of the machine, the others, written in turn, that of the process. Each
file is written beside its target and renamed; the older of the two in turn is removed first, because some file systems
wait for the disk when a file is replaced. A file starts with the digest of the rest; what does not match is ignored,
and the next older is taken, and else the lineage starts again. The content is safetensors: loading runs no code.

The last checkpoint of a training is all that an extension of `epochs` goes on from: it is synced, and only then are
the others removed.

Whoever reads changes nothing: others may be writing. Only who holds the lineage's claim removes, or who sees to it that
nobody can claim it, and only what is of that attempt or of one before: a checkpoint's history says which, and the name
of what died half written.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import math
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from gridsearch.atomic import sync_folder, write
from gridsearch.config.events import EpochMetrics, EpochRecord
from gridsearch.config.metrics import LOSSES, METRICS
from gridsearch.errors import not_writable, one_line
from gridsearch.regular_files import open_regular, read_regular

_log = logging.getLogger(__name__)

SYNC_SECONDS = 5.0
_IN_TURN, _SYNCED = ("even", "odd"), "synced"
_SLOTS = (*_IN_TURN, _SYNCED)
_DIGEST_BYTES = 32
_NUMBERS = (*METRICS, "learning_rate", "seconds")
#: How often slots are looked at where none has a file: each is away for a moment while it is written.
_LOOKS = 10


#: An epoch of our own loop, or of a training of the user's.
Epoch = EpochRecord | EpochMetrics


@dataclass(frozen=True)
class Checkpoint:
    """A lineage after its last epoch: named tensors of the model and the optimiser, and all its epochs so far."""

    tensors: dict[str, Tensor]
    history: tuple[Epoch, ...]

    @property
    def epoch(self) -> int:
        """Return the epoch this goes on from."""
        return self.history[-1].epoch


class CheckpointFolder:
    """The checkpoints of one lineage; whoever saves must hold its claim, under `attempt`."""

    def __init__(self, root: Path, lineage_id: str, attempt: int = 0) -> None:
        self.root, self.folder = root, root / lineage_id
        self.lineage_id, self.attempt = lineage_id, attempt
        self._tidied = False
        self.synced_at = time.monotonic()
        self._older = _IN_TURN[0]
        self._encoded: list[tuple[Epoch, str]] = []
        self._refused: set[str] = set()

    def save(self, tensors: dict[str, Tensor], history: Sequence[Epoch], *, last: bool = False) -> None:
        """Write the state after the last epoch of the history.

        Args:
            tensors: The state by name, on any device.
            history: The records of all epochs so far, epoch 0 first.
            last: Whether the training ends here: this checkpoint is then synced to disk, and the only one left.

        Raises:
            StorageError: The disk is full, or the folder cannot be written.
        """
        metadata = {"lineage": self.lineage_id, "history": self._encode(history)}
        cpu = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
        content = safetensors.torch.save(cpu, metadata)
        durable = last or time.monotonic() - self.synced_at >= SYNC_SECONDS
        try:
            self._remove_leftovers()
            self._write(with_checksum(content), sync=durable, last=last)
        except OSError as error:
            raise not_writable("checkpoints", self.root, error) from error
        if last:
            self._keep_only(_SYNCED)
        if durable:
            self.synced_at = time.monotonic()

    def finalize(self) -> None:
        """Keep only the newest sound checkpoint, synced to disk, and remove what others left half written.

        If none is sound, or the disk cannot be written, everything stays.
        """
        with contextlib.suppress(OSError):
            self._remove_leftovers()
            if not any((self.folder / slot).exists() for slot in _IN_TURN):
                return
            read = {slot: checkpoint.epoch for slot in _SLOTS if (checkpoint := self._read(slot))}
            if not read:
                return
            newest = max(read, key=lambda slot: (read[slot], slot == _SYNCED))
            if newest != _SYNCED:
                with (self.folder / newest).open("rb") as stream:
                    os.fsync(stream.fileno())
                (self.folder / newest).replace(self.folder / _SYNCED)
                sync_folder(self.folder)
            self._keep_only(_SYNCED)

    def remove(self) -> None:
        """Remove everything, as far as it can be removed: for a lineage that no training will continue."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def begun(self) -> bool:
        """Whether there is a checkpoint to continue from, judged by the beginnings of the files."""
        return any(self._glance(slot) for slot in _SLOTS)

    def spare(self) -> list[Path]:
        """Return what `finalize` would remove, judged by the beginnings of the files."""
        glances = {slot: glance for slot in _SLOTS if (glance := self._glance(slot))}
        newest = max(glances, key=lambda slot: (glances[slot][0], slot == _SYNCED), default=None)
        others = [self.folder / slot for slot in _SLOTS if newest and slot != newest]
        return [path for path in [*others, *self._leftovers()] if path.exists()]

    def load(self, fits: Callable[[Checkpoint], bool] = lambda checkpoint: True) -> Checkpoint | None:
        """Return the newest sound checkpoint.

        Args:
            fits: Whether a checkpoint is suitable; others are passed over.

        Returns:
            None if there is none. What is damaged is logged and passed over.
        """
        found: dict[str, Checkpoint] = {}
        for _ in range(_LOOKS):
            read = {slot: checkpoint for slot in _SLOTS if (checkpoint := self._read(slot))}
            found = {slot: checkpoint for slot, checkpoint in read.items() if fits(checkpoint)}
            if read or not self.folder.exists():
                break
        even, odd = ((found[slot].epoch if slot in found else -1) for slot in _IN_TURN)
        self._older = _IN_TURN[0] if even <= odd else _IN_TURN[1]
        return max(found.values(), key=lambda checkpoint: checkpoint.epoch, default=None)

    def _encode(self, history: Sequence[Epoch]) -> str:
        """Return the history as JSON; each record is encoded once, as histories grow long."""
        del self._encoded[len(history) :]
        for index, record in enumerate(history):
            if index < len(self._encoded) and self._encoded[index][0] is record:
                continue
            self._encoded[index:] = [(record, _written(record))]
        return f"[{','.join(text for _, text in self._encoded)}]"

    def _remove_leftovers(self) -> None:
        """Remove once what attempts before this one left half written: they have lost their claim."""
        if self._tidied:
            return
        for left in self._leftovers():
            left.unlink(missing_ok=True)
        self._tidied = True

    def _leftovers(self) -> list[Path]:
        old = list(self.folder.glob("*.tmp"))  # of versions that named them so
        marked = ((left, left.name.split("-")[1]) for left in self.folder.glob(".attempt-*.partial"))
        return old + [left for left, attempt in marked if attempt.isdigit() and int(attempt) < self.attempt]

    def _write(self, content: bytes, *, sync: bool, last: bool = False) -> None:
        target = self.folder / (_SYNCED if sync else self._older)
        if sync and not last:
            self._keep_as_second_copy(target)
        write(target, content, durable=sync, afresh=not sync, mark=f"attempt-{self.attempt}-")
        if not sync:
            self._older = _IN_TURN[1] if target.name == _IN_TURN[0] else _IN_TURN[0]

    def _keep_as_second_copy(self, synced: Path) -> None:
        """Move the last synced checkpoint to the slot of the older of the two in turn, unless that is newer."""
        older = self.folder / self._older
        with contextlib.suppress(FileNotFoundError):
            if not older.exists() or older.stat().st_mtime_ns < synced.stat().st_mtime_ns:
                synced.replace(older)

    def _keep_only(self, slot: str) -> None:
        """Remove the other slots, unless a later attempt wrote them: that one has the claim now."""
        for other in _SLOTS:
            glance = self._glance(other) if other != slot else None
            if other != slot and (glance is None or glance[1] <= self.attempt):
                with contextlib.suppress(OSError):
                    (self.folder / other).unlink(missing_ok=True)

    def _glance(self, slot: str) -> tuple[int, int] | None:
        """Return epoch and attempt of a checkpoint as its beginning tells them, its content unread, or None."""
        try:
            with open_regular(self.folder / slot) as stream:
                stream.seek(_DIGEST_BYTES)
                length = stream.read(8)
                size = min(int.from_bytes(length, "little"), os.fstat(stream.fileno()).st_size)
                last = json.loads(_metadata(length + stream.read(size))["history"])[-1]
            return int(last["epoch"]), int(last["attempt"])
        except (OSError, MemoryError, RecursionError, ValueError, LookupError, TypeError, OverflowError):
            return None

    def _read(self, slot: str) -> Checkpoint | None:
        try:
            content = checked_content(read_regular(self.folder / slot))
            if content is None:
                raise ValueError("it is cut short or damaged")
            metadata = _metadata(content)
            if metadata["lineage"] != self.lineage_id:
                raise ValueError(f"it is of the lineage {metadata['lineage']}")
            history = tuple(map(_epoch, json.loads(metadata["history"])))
            if not self._is_history(history):
                raise ValueError("its history is not one")
            return Checkpoint(safetensors.torch.load(content), history)
        except FileNotFoundError:
            return None
        except (
            OSError,
            MemoryError,
            RecursionError,
            SafetensorError,
            ValueError,
            LookupError,
            TypeError,
            ArithmeticError,
        ) as error:
            if slot not in self._refused:  # it is looked at more than once
                self._refused.add(slot)
                _log.info("the checkpoint %s cannot be used: %s", self.folder / slot, one_line(error))
            return None

    def _is_history(self, records: Sequence[Epoch]) -> bool:
        """Whether these can be a lineage's epochs: all of them, and numbers; only the last may have diverged."""
        return bool(records) and all(
            record.lineage_id == self.lineage_id
            and type(record.epoch) is int
            and record.epoch == epoch
            and type(record.attempt) is int
            and _has_numbers(record, last=record is records[-1])
            for epoch, record in enumerate(records)
        )


def _written(record: Epoch) -> str:
    values = asdict(record)
    if isinstance(record, EpochRecord):
        values["correct"] = record.correct.hex()
        if not record.correct:
            del values["correct"]
    return json.dumps(values)


def _epoch(written: dict[str, Any]) -> Epoch:
    if "metrics" in written:
        return EpochMetrics(**written)
    record = EpochRecord(**written)
    written_bits: Any = record.correct
    return replace(record, correct=bytes.fromhex(written_bits)) if written_bits else record


def _has_numbers(record: Epoch, *, last: bool) -> bool:
    """Whether a record consists of numbers; losses of our own loop are finite but in the `last` of a history."""
    more = record.metrics if isinstance(record, EpochMetrics) else record.more
    if not all(type(name) is str and type(value) in (int, float) for name, value in more.items()):
        return False
    if isinstance(record, EpochMetrics):
        return type(record.seconds) in (int, float) and math.isfinite(record.seconds)
    return (
        all(type(getattr(record, name)) in (int, float) for name in _NUMBERS)
        and math.isfinite(record.learning_rate + record.seconds)
        and (last or all(math.isfinite(getattr(record, name)) for name in LOSSES))
    )


def with_checksum(content: bytes) -> bytes:
    """Return what a file that proves its own integrity holds: the digest of its content, then the content."""
    return _digest(content) + content


def checked_content(raw: bytes) -> bytes | None:
    """Return the content of such a file, or None if it is damaged."""
    content = raw[_DIGEST_BYTES:]
    return content if raw[:_DIGEST_BYTES] == _digest(content) else None


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_DIGEST_BYTES).digest()


def _metadata(content: bytes) -> dict[str, str]:
    """Return the metadata of safetensors bytes: an 8-byte length, then a JSON header that holds them."""
    length = int.from_bytes(content[:8], "little")
    metadata: dict[str, str] = json.loads(content[8 : 8 + length])["__metadata__"]
    return metadata
