"""The client: one server, one key."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, cast
from urllib.parse import urlsplit

import httpx

from . import models
from .datasets import Dataset, Window, written
from .documents import given
from .jobs import Job, job_of
from .releases import Release
from .retry import Retry
from .transport import TIMEOUT, Transport

PAGE = "200"


@dataclass(frozen=True)
class NewKey:
    """A key just issued."""

    id: str
    role: models.TenantRole
    name: str
    secret: str = field(repr=False)
    """The whole key, which nothing else shows again."""


class Client:
    """One server, asked with one key. Close it, or use it in a `with` statement. Threads may share it.

    `url` and `key` come from `NETDPSYN_URL` and `NETDPSYN_KEY` where they are not given. `transport` is one of httpx, for
    proxies and certificates of one's own: `httpx.HTTPTransport(verify=…, proxy=…)`.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        retry: Retry | None = None,
        timeout: httpx.Timeout | float = TIMEOUT,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        url = url or os.environ.get("NETDPSYN_URL", "")
        key = key or os.environ.get("NETDPSYN_KEY", "")
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise ValueError("url is http:// or https:// and a host, without a password (or set NETDPSYN_URL)")
        if not key:
            raise ValueError("an API key is needed: key=, or NETDPSYN_KEY")
        self._transport = Transport(url, key, retry or Retry(), timeout, transport)

    def __repr__(self) -> str:
        return f"Client({self._transport.url!r})"

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()

    def request(self, method: str, path: str, document: object = None, **params: str) -> Any:
        """Any other call of the API, by its path: the document of the answer."""
        once = method.upper() == "POST"
        return self._transport.json(method, path, document, params=params, repeatable=not once)

    def _pages(self, path: str, **filters: str | None) -> Iterator[Any]:
        params = {"limit": PAGE, **given(**filters)}
        while True:
            page = self._transport.json("GET", path, params=params)
            yield from page["items"]
            if not page.get("next"):
                return
            params["after"] = page["next"]

    def create_dataset(
        self,
        name: str,
        *,
        preset: models.Preset | None = None,
        schema: models.Schema | None = None,
        window: Window | None = None,
        categories: Mapping[str, Sequence[str]] | None = None,
        special: Mapping[str, Sequence[str]] | None = None,
        networks: Mapping[str, Sequence[str]] | None = None,
        addresses: models.Families | None = None,
        reading: models.Reading | None = None,
        population_id: str | None = None,
    ) -> Dataset:
        """Makes a dataset: what is publicly known of a trace, by a preset or a schema of one's own.

        `window` is START/END or two datetimes with a time zone.
        """
        new = given(
            name=name, preset=preset, schema=schema, window=written(window), categories=categories,
            special=special, networks=networks, addresses=addresses, reading=reading, population_id=population_id,
        )  # fmt: skip
        made = self._transport.json("POST", "/v1/datasets", new, repeatable=False)
        return Dataset(self, self._transport, made)

    def dataset(self, id: str) -> Dataset:
        """One dataset."""
        return Dataset(self, self._transport, self._transport.json("GET", f"/v1/datasets/{_id(id)}"))

    def datasets(self) -> Iterator[Dataset]:
        """All datasets, oldest first."""
        return (Dataset(self, self._transport, view) for view in self._pages("/v1/datasets"))

    def submit(
        self,
        job: models.FitRequest | models.GenerateRequest | models.EvaluateRequest,
        *,
        idempotency_key: str | None = None,
    ) -> Job:
        """Submits a job. Sent again it is the same job: by the key that is given, or by one that is made for this call."""
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        return job_of(self, self._transport, self._transport.json("POST", "/v1/jobs", job, headers=headers))

    def generate(
        self,
        model_id: str,
        *,
        rows: int | None = None,
        seed: int | None = None,
        condition: models.Condition | None = None,
        evaluate: bool | None = None,
        options: models.GenerateOptions | None = None,
        idempotency_key: str | None = None,
    ) -> Job:
        """A further trace of a model that is paid for: costs nothing. `condition` sets the categories of its records."""
        asked = given(
            kind="generate", model_id=model_id, rows=rows, seed=seed, condition=condition, evaluate=evaluate,
            options=options,
        )  # fmt: skip
        return self.submit(cast("models.GenerateRequest", asked), idempotency_key=idempotency_key)

    def job(self, id: str) -> Job:
        """One job."""
        return job_of(self, self._transport, self._transport.json("GET", f"/v1/jobs/{_id(id)}"))

    def jobs(
        self,
        *,
        kind: models.JobKind | None = None,
        state: models.JobState | None = None,
        dataset_id: str | None = None,
    ) -> Iterator[Job]:
        """Jobs, oldest first: all, or those of a kind, in a state, of a dataset."""
        views = self._pages("/v1/jobs", kind=kind, state=state, dataset_id=dataset_id)
        return (job_of(self, self._transport, view) for view in views)

    def release(self, id: str) -> Release:
        """One release."""
        return Release(self, self._transport, self._transport.json("GET", f"/v1/releases/{_id(id)}"))

    def releases(self) -> Iterator[Release]:
        """Releases, oldest first: all of them for a steward, published ones for a reader."""
        return (Release(self, self._transport, view) for view in self._pages("/v1/releases"))

    def model(self, id: str) -> models.ModelView:
        """A model: its statement of privacy and what it measured."""
        return cast("models.ModelView", self._transport.json("GET", f"/v1/models/{_id(id)}"))

    def marginals(self, model_id: str) -> models.MarginalsView:
        """The noisy marginals of a model, with their σ."""
        return cast("models.MarginalsView", self._transport.json("GET", f"/v1/models/{_id(model_id)}/marginals"))

    def catalogue(
        self,
        *,
        series: str | None = None,
        dataset: str | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> dict[str, Any]:
        """A page of what is published, as DCAT-AP (JSON-LD): `hydra:next` in it names the following one."""
        params = given(series=series, dataset=dataset, after=after, limit=None if limit is None else str(limit))
        return cast("dict[str, Any]", self._transport.json("GET", "/v1/catalog", params=params))

    def signing_keys(self) -> dict[str, Any]:
        """The public keys that sign releases, old ones too, as a JWK set."""
        return cast("dict[str, Any]", self._transport.json("GET", "/.well-known/netdpsyn-keys.json"))

    def repositories(self) -> list[models.RepositoryView]:
        """Repositories that releases may be deposited in."""
        return cast("list[models.RepositoryView]", self._transport.json("GET", "/v1/repositories")["items"])

    def deposit(self, id: str) -> models.DepositView:
        """A deposit: state, percent, identifier and landing page."""
        return cast("models.DepositView", self._transport.json("GET", f"/v1/deposits/{_id(id)}"))

    def create_webhook(self, url: str, events: Sequence[models.WebhookEvent] | None = None) -> models.SecretWebhook:
        """Makes a webhook. Its secret is shown this once; receivers verify with any library of Standard Webhooks."""
        made = self._transport.json("POST", "/v1/webhooks", given(url=url, events=events), repeatable=False)
        return cast("models.SecretWebhook", made)

    def webhooks(self) -> list[models.WebhookView]:
        """The tenant's webhooks."""
        return cast("list[models.WebhookView]", self._transport.json("GET", "/v1/webhooks")["items"])

    def test_webhook(self, id: str) -> models.DeliveryView:
        """Sends a test message."""
        sent = self._transport.json("POST", f"/v1/webhooks/{_id(id)}/test", repeatable=False)
        return cast("models.DeliveryView", sent)

    def deliveries(self, webhook_id: str) -> Iterator[models.DeliveryView]:
        """The log of a webhook, the newest message first."""
        return self._pages(f"/v1/webhooks/{_id(webhook_id)}/deliveries")

    def remove_webhook(self, id: str) -> None:
        """Removes a webhook with its log."""
        self._transport.bytes("DELETE", f"/v1/webhooks/{_id(id)}")

    def budget(self) -> models.BudgetView:
        """Cap, spent, reserved and left, of the tenant and of each population."""
        return cast("models.BudgetView", self._transport.json("GET", "/v1/budget"))

    def entries(self) -> Iterator[models.EntryView]:
        """Every entry of the ledger, oldest first."""
        return self._pages("/v1/budget/entries")

    def create_tenant(self, name: str, *, rho: float | None = None, epsilon: float | None = None) -> models.TenantView:
        """Makes a tenant with a budget in ρ or ε (administrators)."""
        new = {"name": name, "cap": given(rho=rho, epsilon=epsilon)}
        return cast("models.TenantView", self._transport.json("POST", "/v1/tenants", new, repeatable=False))

    def issue_key(self, tenant_id: str, role: models.TenantRole, name: str) -> NewKey:
        """Issues a key of a tenant, whose secret is shown this once (administrators)."""
        path = f"/v1/tenants/{_id(tenant_id)}/keys"
        issued = self._transport.json("POST", path, {"role": role, "name": name}, repeatable=False)
        return NewKey(issued["id"], issued["role"], issued["name"], issued["secret"])


def _id(id: str) -> str:
    """An id as part of a path: anything else could be another path."""
    return str(uuid.UUID(id))
