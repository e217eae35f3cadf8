"""Everything that goes wrong, as exceptions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

import httpx

from . import models


class NetdpsynError(Exception):
    """Anything that this client raises about the service."""


class ConnectionFailed(NetdpsynError):
    """The server could not be reached, or the connection broke."""


class UnexpectedAnswer(NetdpsynError):
    """An answer that the service does not give: something between may have given it."""


class ChecksumMismatch(NetdpsynError):
    """A downloaded trace has another SHA-256 than the server says; nothing of it was kept."""


class WaitTimeout(NetdpsynError, TimeoutError):
    """What was waited for goes on, and took longer than the time that was given."""


class ProblemError(NetdpsynError):
    """A refusal, as the service says it (RFC 9457). Each type of problem has a class of its own in `netdpsyn.problems`."""

    kind: str = ""
    """The stable type, as `/problems/budget-exhausted`."""
    title: str
    """The type in words."""
    status: int
    """The HTTP status."""
    detail: str
    """What is wrong here."""
    field: str | None
    """The offending field."""
    figures: Mapping[str, Any]
    """Figures that belong to the type."""
    request_id: str | None
    """The request's id, by which the server's log tells it."""
    advice: str = ""
    """What helps, where the detail does not say it."""

    _of_kind: dict[str, type[ProblemError]] = {}  # noqa: RUF012

    def __init_subclass__(cls) -> None:
        if cls.kind:
            ProblemError._of_kind[cls.kind] = cls

    def __init__(self, document: models.Problem, request_id: str | None = None) -> None:
        members = cast("dict[str, Any]", document)
        self.kind = document["type"]
        self.title, self.status, self.detail = document["title"], document["status"], document["detail"]
        self.field, self.request_id = document.get("field"), request_id
        named = ("type", "title", "status", "detail", "field")
        self.figures = {name: value for name, value in members.items() if name not in named}
        super().__init__(document, request_id)

    def __repr__(self) -> str:
        # Figures may be private, as the cells of a refused trace: a log of the exception has none of them.
        return f"{type(self).__name__}({self.kind!r}, {self.status})"

    def __str__(self) -> str:
        said = f"{self.title} ({self.status}): " + (f"{self.field}: " if self.field else "") + self.detail
        if self.status >= 500 and self.request_id:
            said += f" (request {self.request_id})"
        return f"{said}\n{self.advice}" if self.advice else said

    @property
    def what_to_do(self) -> str:
        """What helps: the advice for this type, or else the detail, which says it."""
        return self.advice or self.detail


def of_document(document: models.Problem, request_id: str | None = None) -> ProblemError:
    """The exception for a problem document; one of an unknown type is a plain `ProblemError`."""
    return ProblemError._of_kind.get(document["type"], ProblemError)(document, request_id)


def of_response(response: httpx.Response) -> NetdpsynError:
    """The exception for an answer that is no success. Its body has been read."""
    try:
        document = json.loads(response.content)
    except ValueError:
        document = None
    members = ("type", "title", "status", "detail")
    if isinstance(document, dict) and all(name in document for name in members):
        return of_document(cast("models.Problem", document), response.headers.get("x-request-id"))
    asked = f"{response.request.method} {response.request.url}"
    return UnexpectedAnswer(f"{asked}: {response.status_code}, and no problem document: {response.text[:200]!r}")
