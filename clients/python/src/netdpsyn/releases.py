"""Releases: synthetic traces, and what is said of them."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from . import fetch, models
from .documents import given
from .jobs import Job
from .transport import Transport
from .upload import Progress

if TYPE_CHECKING:
    import pandas

    from .client import Client

Format = Literal["csv", "parquet", "arrow", "pcap", "pcapng"]


class Release:
    """A release, as it was last seen. A steward who takes the trace of a draft looks at it: readers are told."""

    def __init__(self, client: Client, transport: Transport, view: models.ReleaseView) -> None:
        self._client, self._transport = client, transport
        self.view: models.ReleaseView = view
        """The whole document."""

    def __repr__(self) -> str:
        return f"Release({self.id}, {self.state}, {self.rows} records)"

    @property
    def id(self) -> str:
        """Its id."""
        return self.view["id"]

    @property
    def model_id(self) -> str:
        """The model that it was made from."""
        return self.view["model_id"]

    @property
    def state(self) -> models.ReleaseState:
        """`draft` or `published`."""
        return self.view["state"]

    @property
    def rows(self) -> int:
        """Records."""
        return self.view["rows"]

    @property
    def _path(self) -> str:
        return f"/v1/releases/{self.id}"

    def refresh(self) -> Release:
        """Asks how it stands."""
        self.view = self._transport.json("GET", self._path)
        return self

    @property
    def title(self) -> str | None:
        """Title and version given at publication."""
        return self.view.get("title")

    def publish(
        self,
        *,
        access: models.ReleaseAccess | None = None,
        series: str | None = None,
        version: str | None = None,
    ) -> Release:
        """Lets readers see it from now on; with `access="public"` everybody, once its dataset is described."""
        said = given(access=access, series=series, version=version)
        self.view = self._transport.json("POST", f"{self._path}/publish", said or None)
        return self

    def withdraw(self, reason: str) -> Release:
        """Takes it back, for good: its content is handed out no more, and everybody is shown the reason."""
        self.view = self._transport.json("POST", f"{self._path}/withdraw", {"reason": reason})
        return self

    def link(self, seconds: int) -> models.LinkView:
        """An address at which whoever has it may fetch the release, for so many seconds."""
        return cast("models.LinkView", self._transport.json("POST", f"{self._path}/links", {"seconds": seconds}))

    def croissant(self) -> dict[str, Any]:
        """Its description as Croissant."""
        return cast("dict[str, Any]", self._transport.json("GET", f"{self._path}/croissant.json"))

    def datapackage(self) -> dict[str, Any]:
        """Its description as a Frictionless data package."""
        return cast("dict[str, Any]", self._transport.json("GET", f"{self._path}/datapackage.json"))

    def deposit(self, repository: str, *, new_version_of: str | None = None) -> models.DepositView:
        """Sends it to a repository of `client.repositories()`: what was queued. `client.deposit(id)` tells how it goes."""
        new = given(repository=repository, new_version_of=new_version_of)
        made = self._transport.json("POST", f"{self._path}/deposits", new, repeatable=False)
        return cast("models.DepositView", made)

    def deposit_plan(self, repository: str, *, new_version_of: str | None = None) -> models.DepositPlan:
        """What `deposit` would send, request by request. Nothing is sent."""
        new = given(repository=repository, new_version_of=new_version_of, dry_run=True)
        return cast("models.DepositPlan", self._transport.json("POST", f"{self._path}/deposits", new))

    def deposits(self) -> list[models.DepositView]:
        """Its deposits, the oldest first."""
        return cast("list[models.DepositView]", self._transport.json("GET", f"{self._path}/deposits")["items"])

    def evaluate(self, *, idempotency_key: str | None = None) -> Job:
        """Compares it with the raw trace: a job, after which there is a private report. Costs no budget."""
        return self._client.submit({"kind": "evaluate", "release_id": self.id}, idempotency_key=idempotency_key)

    def evaluated(self, timeout: float | None = None, progress: Callable[[Job], None] | None = None) -> Release:
        """Waits for the comparison with the raw trace that was asked for last, by `evaluate()` or with the fit."""
        jobs = [job for job in self._client.jobs(kind="evaluate") if job.view.get("release_id") == self.id]
        if not jobs:
            raise ValueError(f"no comparison of release {self.id} was asked for: evaluate() does")
        jobs[-1].wait(timeout, progress)
        return self

    def report(self) -> models.ReleaseReportView:
        """The release report: made from the noisy measurements alone, with the statement of privacy."""
        return cast("models.ReleaseReportView", self._transport.json("GET", f"{self._path}/report"))

    def report_page(self) -> str:
        """The same as a page to read, which needs nothing beside it."""
        return self._transport.bytes("GET", f"{self._path}/report.html").decode()

    def private_report(self) -> models.PrivateReport:
        """The comparison with the raw trace, once it is there (`evaluated`): for its steward alone.

        That it was opened is recorded, and readers are told.
        """
        return cast("models.PrivateReport", self._transport.json("GET", f"{self._path}/report/private"))

    def download(
        self,
        path: str | os.PathLike[str],
        *,
        format: Format | None = None,
        layout: str | None = None,
        progress: Progress | None = None,
    ) -> Path:
        """Downloads the trace to a file, in the format that its name ends in or `format` says.

        Goes on where an earlier download of the same trace was broken off; the file is there once all of it has come
        and has the SHA-256 that the server says. `layout` asks for text of another kind, as `source` or `zeek-conn`.
        """
        out = Path(path)
        fetch.to_file(self._transport, self._wanted(format, layout, out), out, progress)
        return out

    def content(self, *, format: Format = "csv", layout: str | None = None) -> bytes:
        """The trace in memory, checked as a download is."""
        file, wanted = io.BytesIO(), self._wanted(format, layout, None)
        fetch.to_stream(self._transport, wanted, file, hashlib.sha256(), None)
        return file.getvalue()

    def dataframe(self, columns: list[str] | None = None, **options: Any) -> pandas.DataFrame:
        """The trace as a pandas frame, all columns or these; needs the extra `pandas`.

        Further options are those of `pandas.read_parquet`.
        """
        try:
            import pandas
            import pyarrow  # noqa: F401
        except ImportError as error:
            raise ImportError("dataframe() needs pandas and pyarrow: pip install 'netdpsyn[pandas]'") from error
        wanted = self._wanted("parquet", None, None)
        with tempfile.TemporaryFile() as file:
            fetch.to_stream(self._transport, wanted, file, hashlib.sha256(), None)
            file.seek(0)
            return pandas.read_parquet(file, engine="pyarrow", columns=columns, **options)

    def _wanted(self, format: Format | None, layout: str | None, out: Path | None) -> fetch.Wanted:
        params = {}
        if layout is not None:
            params["layout"] = layout
        if format is not None and (layout is None or format != "csv"):
            params["format"] = format
        elif layout is None and out is not None:
            params["format"] = fetch.format_of(out)
        return fetch.look(self._transport, self.view["content"], params)
