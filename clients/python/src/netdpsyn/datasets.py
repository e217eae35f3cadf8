"""Datasets: what is declared of a raw trace, the trace itself, and fits of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, cast

from . import models
from .documents import given
from .errors import NetdpsynError, ProblemError, of_document
from .events import Deadline
from .jobs import Job
from .problems import TraceRefused
from .transport import Transport
from .upload import Progress, Source, prepare

if TYPE_CHECKING:
    from .client import Client

Window = str | tuple[datetime, datetime]
UNDER_WAY = ("receiving", "parsing")


class TraceRejected(NetdpsynError):
    """The raw trace was refused for its content. `problem` says why, `proposal` what could be declared; both are private."""

    def __init__(self, dataset: Dataset, problem: ProblemError | None) -> None:
        self.dataset, self.problem = dataset, problem
        super().__init__(dataset, problem)

    def __str__(self) -> str:
        offer = "" if self.proposal is None else "\nThere is a proposal: Dataset.accept_proposal() declares it."
        return f"the trace of dataset {self.dataset.id} was refused: {self.problem}{offer}"

    @property
    def proposal(self) -> dict[str, Any] | None:
        """What could be declared so that more records can be read."""
        return self.dataset.proposal


def written(window: Window | None) -> str | None:
    """A window as START/END."""
    if window is None or isinstance(window, str):
        return window
    for moment in window:
        if moment.tzinfo is None:
            raise ValueError(f"{moment} has no time zone; datetime(…, tzinfo=timezone.utc) does")
    return "/".join(moment.astimezone(timezone.utc).isoformat().replace("+00:00", "Z") for moment in window)


class Dataset:
    """A dataset, as it was last seen."""

    def __init__(self, client: Client, transport: Transport, view: models.DatasetView) -> None:
        self._client, self._transport = client, transport
        self.view: models.DatasetView = view
        """The whole document."""

    def __repr__(self) -> str:
        return f"Dataset({self.id}, {self.state})"

    @property
    def id(self) -> str:
        """Its id."""
        return self.view["id"]

    @property
    def name(self) -> str:
        """Its name."""
        return self.view["name"]

    @property
    def state(self) -> models.DatasetState:
        """`empty`, `receiving`, `parsing`, `ready`, `rejected` or `erased`."""
        return self.view["state"]

    @property
    def undeclared(self) -> list[str]:
        """What is still to be declared before a fit."""
        return self.view["undeclared"]

    @property
    def parse_report(self) -> dict[str, Any] | None:
        """Parse report. Private to the steward."""
        return self.view.get("parse_report")

    @property
    def problem(self) -> ProblemError | None:
        """Why the trace was rejected. Private to the steward."""
        document = self.view.get("problem")
        return None if document is None else of_document(document)

    @property
    def proposal(self) -> dict[str, Any] | None:
        """What could be declared so that more records of a rejected trace can be read. Private to the steward."""
        problem = self.problem
        return problem.proposal if isinstance(problem, TraceRefused) else None

    @property
    def _path(self) -> str:
        return f"/v1/datasets/{self.id}"

    def refresh(self) -> Dataset:
        """Asks how it stands."""
        self.view = self._transport.json("GET", self._path)
        return self

    def declare(
        self,
        *,
        name: str | None = None,
        preset: models.Preset | None = None,
        schema: models.Schema | None = None,
        window: Window | None = None,
        categories: Mapping[str, Sequence[str]] | None = None,
        special: Mapping[str, Sequence[str]] | None = None,
        networks: Mapping[str, Sequence[str]] | None = None,
        addresses: models.Families | None = None,
        reading: models.Reading | None = None,
    ) -> Dataset:
        """Changes the declaration, which is possible until a fit is accepted. A trace that is there is parsed again."""
        patch = given(
            name=name, preset=preset, schema=schema, window=written(window), categories=categories,
            special=special, networks=networks, addresses=addresses, reading=reading,
        )  # fmt: skip
        return self._patch(patch)

    def describe(self, about: models.About) -> Dataset:
        """Says what it is to whoever finds its releases: title, description, publisher, licence. Held for later releases."""
        return self._patch({"about": about})

    def accept_proposal(self) -> Dataset:
        """Declares what the server proposed for a rejected trace; then upload it again.

        The proposal was read off the raw trace, so this is a choice after looking: it lies outside the promise, and
        readers are told of it. Look at `proposal` first.
        """
        if self.proposal is None:
            raise ValueError(f"dataset {self.id} is {self.state} and has no proposal")
        return self._patch(self.proposal)

    def _patch(self, patch: Mapping[str, Any]) -> Dataset:
        self.view = self._transport.json("PATCH", self._path, patch)
        return self

    def upload(self, source: Source, progress: Progress | None = None) -> Dataset:
        """Sends the raw trace: a file by its name, bytes, an open binary file, or pieces of bytes. Never all of it is in memory.

        A file by its name is read once before, for its SHA-256, which the server verifies.
        """
        upload = prepare(source, progress)
        headers = {"Content-Type": "application/octet-stream", "Accept": "application/json", **upload.headers}
        self.view = self._transport.json(
            "PUT", f"{self._path}/trace", headers=headers, body=upload.body, resend=upload.resend, repeatable=False
        )
        return self

    def wait(self, timeout: float | None = None, progress: Callable[[Job], None] | None = None) -> Dataset:
        """Waits until the trace is parsed. Raises a `TraceRejected`, or a `WaitTimeout` after `timeout` seconds.

        `progress` is called with the job that parses it.
        """
        deadline, pause = Deadline(timeout, f"parsing of dataset {self.id}"), 0.05
        self.refresh()
        while self.state in UNDER_WAY:
            parsing = [j for j in self._client.jobs(kind="parse", dataset_id=self.id) if not j.is_over]
            if parsing:
                left = None if timeout is None else max(0.0, deadline.left())
                for job in parsing[-1].events(left):
                    if progress:
                        progress(job)
            else:
                deadline.sleep(pause)
                pause = min(2 * pause, 2.0)
            self.refresh()
        if self.state == "rejected":
            raise TraceRejected(self, self.problem)
        return self

    def quote(
        self,
        epsilon: float,
        *,
        delta: float | None = None,
        method: models.Method | None = None,
        options: models.FitOptions | None = None,
        hold_out: bool | None = None,
        rows: int | None = None,
    ) -> models.QuoteView:
        """What a fit would cost, and what to expect of it. Nothing is reserved.

        Without `rows` it reckons with the records that parsing found: then what to expect is private, and counts as a look.
        """
        asked = given(
            dataset_id=self.id, epsilon=epsilon, delta=delta, method=method, options=options,
            hold_out=hold_out, rows=rows,
        )  # fmt: skip
        return cast("models.QuoteView", self._transport.json("POST", "/v1/quotes", asked))

    def fit(
        self,
        epsilon: float,
        *,
        delta: float | None = None,
        method: models.Method | None = None,
        options: models.FitOptions | None = None,
        hold_out: bool | None = None,
        evaluate: bool | None = None,
        rows: int | None = None,
        seed: int | None = None,
        condition: models.Condition | None = None,
        generate: models.GenerateOptions | None = None,
        accept_noise: bool | None = None,
        accept_outside: bool | None = None,
        idempotency_key: str | None = None,
    ) -> Job:
        """Measures the trace, which spends budget, and generates a first synthetic one.

        A script that may be started twice gives an `idempotency_key` of its own, as "uplink-2026-01-05": the same key and
        arguments are the same job for at least 24 hours after its end, and are paid for once.
        """
        asked = given(
            kind="fit", dataset_id=self.id, epsilon=epsilon, delta=delta, method=method, options=options,
            hold_out=hold_out, evaluate=evaluate, rows=rows, seed=seed, condition=condition, generate=generate,
            accept_noise=accept_noise, accept_outside=accept_outside,
        )  # fmt: skip
        return self._client.submit(cast("models.FitRequest", asked), idempotency_key=idempotency_key)

    def comparison(
        self, *, fits: Sequence[str] = (), epsilons: Sequence[float] = (), hold_out: bool = False
    ) -> models.ComparisonView:
        """Up to five of its fits (models) and of ε that are not fitted, side by side. Both count as looks."""
        params = {"model": list(fits), "epsilon": [str(epsilon) for epsilon in epsilons]}
        if hold_out:
            params["hold_out"] = ["true"]
        return cast("models.ComparisonView", self._transport.json("GET", f"{self._path}/comparison", params=params))

    def erase(self) -> Dataset:
        """Erases the raw trace and everything private made from it. Ledger and releases stay."""
        self._transport.bytes("DELETE", self._path)
        return self.refresh()
