"""Server-sent events, and waiting by them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from typing import cast

import httpx

from . import models
from .errors import ConnectionFailed, NetdpsynError, WaitTimeout
from .problems import Unavailable
from .transport import Transport

# The server says every 15 seconds that it is still there.
SILENCE = 45.0
# A stream cannot be left at a given moment: the last seconds of a wait are waited out by asking.
NEAR = 20.0
# How long a wait without an end goes on while no server answers, as when one is replaced.
PATIENCE = 300.0
OVER = ("succeeded", "failed", "cancelled")


def parse(lines: Iterable[str]) -> Iterator[tuple[str, str] | None]:
    """Events by name with their data, as the HTML standard says; None for a line that is no event yet."""
    name, data = "message", list[str]()
    for line in lines:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                yield name, "\n".join(data)
            name, data = "message", []
        elif field == "event":
            name = value
        elif field == "data":
            data.append(value)
        else:
            yield None


class Deadline:
    """A moment until which is waited, if there is one."""

    def __init__(self, timeout: float | None, what: str) -> None:
        self._end, self._what = (None if timeout is None else time.monotonic() + timeout), what

    def left(self) -> float:
        """Seconds until then."""
        return float("inf") if self._end is None else self._end - time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Waits, but not beyond it; raises when it has passed."""
        left = self.left()
        if left <= 0:
            raise WaitTimeout(f"{self._what} goes on; wait again, for longer")
        time.sleep(min(seconds, left))


def followed(transport: Transport, path: str, deadline: Deadline) -> Iterator[models.JobView]:
    """A job whenever it changes, and for the last time at its end: told by the server, or asked for where the stream breaks."""
    pause, heard = 0.1, time.monotonic()
    while True:
        try:
            if deadline.left() > NEAR:
                for job in _stream(transport, path, deadline):
                    yield job
                    pause, heard = 0.1, time.monotonic()
                    if job["state"] in OVER:
                        return
            job = cast("models.JobView", transport.json("GET", path))
        except (ConnectionFailed, Unavailable) as silence:
            _bear(silence, heard)
        else:
            heard = time.monotonic()
            yield job
            if job["state"] in OVER:
                return
        deadline.sleep(pause)
        pause = min(2 * pause, 2.0)


def _bear(silence: NetdpsynError, heard: float) -> None:
    """Raises it when nothing was heard for too long."""
    if time.monotonic() - heard > PATIENCE:
        raise silence


def _stream(transport: Transport, path: str, deadline: Deadline) -> Iterator[models.JobView]:
    accept = {"Accept": "text/event-stream"}
    try:
        with transport.stream("GET", f"{path}/events", headers=accept, read_timeout=SILENCE) as response:
            for event in parse(response.iter_lines()):
                if event is not None and event[0] in ("progress", "end"):
                    yield cast("models.JobView", json.loads(event[1]))
                if deadline.left() <= NEAR:
                    return
    except (httpx.RequestError, ValueError):
        # It broke off: the job is asked for.
        return
