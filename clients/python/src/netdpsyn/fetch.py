"""A trace on its way from the server: in parts where the connection breaks, and checked against its SHA-256."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

import httpx

from .errors import ChecksumMismatch, UnexpectedAnswer
from .transport import Transport, failed, pause
from .upload import PIECE, Progress

# What a proxy packs has no parts of the trace.
IDENTITY = {"Accept-Encoding": "identity", "Accept": "*/*"}


class Digest(Protocol):
    """What a hash of `hashlib` can do."""

    def update(self, data: bytes, /) -> None:
        """Takes more bytes."""

    def hexdigest(self) -> str:
        """The hash of all bytes so far."""


@dataclass(frozen=True)
class Wanted:
    """A trace in one format, as the server has it."""

    path: str
    params: Mapping[str, str]
    sha256: str
    length: int


def look(transport: Transport, path: str, params: Mapping[str, str]) -> Wanted:
    """How long it is, and its SHA-256."""
    try:
        with transport.stream("HEAD", path, params=params, headers=IDENTITY) as response:
            tag, length = response.headers.get("etag", ""), response.headers.get("content-length", "")
    except UnexpectedAnswer:
        # A refusal of HEAD has no body: the same of a byte says why.
        transport.bytes("GET", path, params=params, headers={**IDENTITY, "Range": "bytes=0-0"})
        raise
    sha256 = tag.removeprefix('"').removesuffix('"')
    if len(sha256) != 64 or not length.isdigit():
        raise UnexpectedAnswer(f"{path}: no SHA-256 as its ETag, or no length; has a proxy changed the answer?")
    return Wanted(path, params, sha256, int(length))


def to_file(transport: Transport, wanted: Wanted, path: Path, progress: Progress | None) -> None:
    """Writes it to a file, which is there when it is whole. What a former attempt left beside it is gone on with."""
    part = path.with_name(f"{path.name}.{wanted.sha256[:16]}.part")
    digest = hashlib.sha256()
    with part.open("ab+") as file:
        file.seek(0)
        while piece := file.read(PIECE):
            digest.update(piece)
        if file.tell() > wanted.length:
            file.truncate(0)
            digest = hashlib.sha256()
        try:
            to_stream(transport, wanted, file, digest, progress)
        except ChecksumMismatch:
            part.unlink()
            raise
    part.replace(path)


def to_stream(transport: Transport, wanted: Wanted, file: BinaryIO, digest: Digest, progress: Progress | None) -> None:
    """Appends what is missing. `digest` has seen what is there, and the file stands at its end."""
    at, attempt, before = file.tell(), 0, -1
    while at < wanted.length:
        # An attempt that brought something further counts as none.
        attempt, before = (attempt + 1 if at == before else 1), at
        headers = {**IDENTITY, "Range": f"bytes={at}-", "If-Range": f'"{wanted.sha256}"'}
        try:
            with transport.stream("GET", wanted.path, params=wanted.params, headers=headers) as response:
                if response.headers.get("etag") != f'"{wanted.sha256}"':
                    raise UnexpectedAnswer(f"{wanted.path}: the trace changed under the download")
                if response.status_code != 206 and at > 0:
                    raise UnexpectedAnswer(f"{wanted.path}: sent whole where a part was asked for")
                for piece in response.iter_raw():
                    file.write(piece)
                    digest.update(piece)
                    at += len(piece)
                    if progress:
                        progress(at, wanted.length)
        except httpx.RequestError as error:
            wait = transport.retry.wait(attempt)
            if wait is None:
                raise failed(error, None) from error
            pause(wait, "GET", wanted.path, error)
    if at != wanted.length or digest.hexdigest() != wanted.sha256:
        raise ChecksumMismatch(f"{wanted.path}: what came has another SHA-256 than {wanted.sha256}; download it again")


def format_of(path: Path) -> str:
    """The format that the end of a file's name says."""
    formats = {".csv": "csv", ".parquet": "parquet", ".arrow": "arrow", ".pcap": "pcap", ".pcapng": "pcapng"}
    found = formats.get(path.suffix.lower())
    if found is None:
        ends = ", ".join(formats)
        raise ValueError(f"{path.name} ends in none of {ends}: say the format, as format='csv'")
    return found
