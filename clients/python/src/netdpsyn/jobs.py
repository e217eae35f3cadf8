"""Jobs: what is under way, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, cast

from . import models
from .errors import NetdpsynError, ProblemError, of_document
from .events import OVER, Deadline, followed
from .transport import Transport

if TYPE_CHECKING:
    from .client import Client
    from .releases import Release


class JobFailed(NetdpsynError):
    """A job failed or was cancelled. `problem` says why, as the exception of its type."""

    def __init__(self, job: Job, problem: ProblemError | None) -> None:
        self.job, self.problem = job, problem
        super().__init__(job, problem)

    def __str__(self) -> str:
        why = f": {self.problem}" if self.problem else ""
        return f"the {self.job.kind} job {self.job.id} {self.job.state}{why}"


class Job:
    """A job, as it was last seen."""

    def __init__(self, client: Client, transport: Transport, view: models.JobView) -> None:
        self._client, self._transport = client, transport
        self.view: models.JobView = view
        """The whole document."""

    def __repr__(self) -> str:
        return f"Job({self.kind} {self.id}, {self.state}, {self.percent} %)"

    @property
    def id(self) -> str:
        """Its id."""
        return self.view["id"]

    @property
    def kind(self) -> models.JobKind:
        """`parse`, `fit`, `generate` or `evaluate`."""
        return self.view["kind"]

    @property
    def state(self) -> models.JobState:
        """`queued`, `running`, `succeeded`, `failed` or `cancelled`."""
        return self.view["state"]

    @property
    def is_over(self) -> bool:
        """Whether it has ended. An end never changes."""
        return self.state in OVER

    @property
    def percent(self) -> int:
        """How far it is: steps of its plan."""
        return self.view["percent"]

    @property
    def rho(self) -> float:
        """ρ that it reserved, and spent if it was charged."""
        return self.view["rho"]

    @property
    def model_id(self) -> str | None:
        """The model that a fit made, or a generation uses."""
        return self.view.get("model_id")

    @property
    def problem(self) -> ProblemError | None:
        """Why it failed."""
        document = self.view.get("problem")
        return None if document is None else of_document(document)

    @property
    def _path(self) -> str:
        return f"/v1/jobs/{self.id}"

    def refresh(self) -> Job:
        """Asks how it stands."""
        self.view = self._transport.json("GET", self._path)
        return self

    def cancel(self) -> Job:
        """Asks that it end."""
        self.view = self._transport.json("POST", f"{self._path}/cancel")
        return self

    def events(self, timeout: float | None = None) -> Iterator[Job]:
        """This job whenever something of it has changed, until it ends. After `timeout` seconds a `WaitTimeout` is raised."""
        before = None
        for view in followed(self._transport, self._path, Deadline(timeout, f"the {self.kind} job {self.id}")):
            self.view = view
            now = (view["state"], view["stage"], view["percent"], view["attempt"])
            if now != before:
                before = now
                yield self

    def wait(self, timeout: float | None = None, progress: Callable[[Job], None] | None = None) -> Job:
        """Waits until it has ended. Raises a `JobFailed` unless it succeeded, and a `WaitTimeout` after `timeout` seconds."""
        for job in self.events(timeout):
            if progress:
                progress(job)
        if self.state != "succeeded":
            raise JobFailed(self, self.problem)
        return self

    def release(self, timeout: float | None = None, progress: Callable[[Job], None] | None = None) -> Release:
        """The release that came of it: waits for the job, and of a fit for the first trace, which is generated after it."""
        deadline = Deadline(timeout, f"the {self.kind} job {self.id}")
        self.wait(timeout, progress)
        made, pause = self, 0.1
        while made.kind == "fit":
            jobs = self._client.jobs(kind="generate", dataset_id=self.view["dataset_id"])
            made = next((job for job in jobs if job.model_id == self.model_id), made)
            if made.kind == "fit":
                deadline.sleep(pause)
                pause = min(2 * pause, 2.0)
        if made is not self:
            made.wait(None if timeout is None else max(0.0, deadline.left()), progress)
        release = made.view.get("release_id")
        if release is None:
            raise ValueError(f"no release comes of a job of kind {self.kind}")
        return self._client.release(release)


def job_of(client: Client, transport: Transport, document: object) -> Job:
    """A job of an answer's document."""
    return Job(client, transport, cast("models.JobView", document))
