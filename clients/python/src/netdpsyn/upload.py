"""The bytes of a trace on their way to the server."""

from __future__ import annotations

import base64
import hashlib
import io
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .transport import Body

Source = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Iterable[bytes]
Progress = Callable[[int, int | None], None]
"""Called with the bytes so far and the bytes in all, if they are known."""
PIECE = 256 * 1024


@dataclass(frozen=True)
class Upload:
    """What is sent, how long it is, its digest, and whether it can be sent again."""

    body: Body
    headers: dict[str, str]
    resend: bool


def prepare(source: Source, progress: Progress | None) -> Upload:
    """An upload of a file, of bytes, or of what comes piece by piece. A file is read twice: first for its digest."""
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        return _of_file(lambda: path.open("rb"), progress)
    if isinstance(source, (bytes, bytearray, memoryview)):
        content = bytes(source)
        return _of_file(lambda: io.BytesIO(content), progress)
    pieces: Iterable[bytes]
    pieces = iter(lambda: source.read(PIECE), b"") if hasattr(source, "read") else source
    return Upload(lambda: _told(pieces, None, progress), {}, resend=False)


def _of_file(opened: Callable[[], BinaryIO], progress: Progress | None) -> Upload:
    with opened() as file:
        digest, length = hashlib.sha256(), 0
        while piece := file.read(PIECE):
            digest.update(piece)
            length += len(piece)

    def body() -> Iterator[bytes]:
        with opened() as file:
            yield from _told(iter(lambda: file.read(PIECE), b""), length, progress)

    told = base64.b64encode(digest.digest()).decode()
    return Upload(body, {"Content-Length": str(length), "Content-Digest": f"sha-256=:{told}:"}, resend=True)


def _told(pieces: Iterable[bytes], length: int | None, progress: Progress | None) -> Iterator[bytes]:
    sent = 0
    for piece in pieces:
        yield piece
        sent += len(piece)
        if progress:
            progress(sent, length)
