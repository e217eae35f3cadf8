"""Client of netdpsyn: differentially private synthetic network traces.

    with Client("https://traces.example.org", key="ndp_…") as client:
        for release in client.releases():
            frame = release.dataframe()

`netdpsyn.models` are the API's documents as types, `netdpsyn.problems` its refusals as exceptions.
"""

from . import models, problems
from .client import Client, NewKey
from .datasets import Dataset, TraceRejected
from .errors import (
    ChecksumMismatch,
    ConnectionFailed,
    NetdpsynError,
    ProblemError,
    UnexpectedAnswer,
    WaitTimeout,
)
from .jobs import Job, JobFailed
from .releases import Release
from .retry import Retry

__version__ = "0.1.0"
__all__ = [
    "ChecksumMismatch",
    "Client",
    "ConnectionFailed",
    "Dataset",
    "Job",
    "JobFailed",
    "NetdpsynError",
    "NewKey",
    "ProblemError",
    "Release",
    "Retry",
    "TraceRejected",
    "UnexpectedAnswer",
    "WaitTimeout",
    "models",
    "problems",
]
