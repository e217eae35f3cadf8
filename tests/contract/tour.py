"""The whole tour of the service through the client that openapi-python-client generates from the document."""

import io
import json
import sys
import time
from pathlib import Path

from netdpsyn_client import AuthenticatedClient, Client
from netdpsyn_client.api.budget import list_entries, show_budget
from netdpsyn_client.api.datasets import change_dataset, compare_fits, create_dataset, erase_dataset, list_datasets, show_dataset, upload_trace
from netdpsyn_client.api.jobs import cancel_job, list_jobs, quote_fit, show_job, submit_job
from netdpsyn_client.api.keys import issue_key, list_keys, revoke_key
from netdpsyn_client.api.models import show_marginals, show_model
from netdpsyn_client.api.populations import create_population, list_populations, set_population_cap
from netdpsyn_client.api.probes import is_alive, is_ready
from netdpsyn_client.api.releases import download_trace, list_releases, publish_release, show_private_report, show_release, show_report
from netdpsyn_client.api.storage import show_storage
from netdpsyn_client.api.tenants import create_tenant, list_tenants, set_tenant_cap, show_tenant, show_tenant_budget
from netdpsyn_client.models import (
    DatasetPatch, DatasetState, EvaluateRequest, EvaluateRequestKind, FitRequest, FitRequestKind, GenerateRequest, GenerateRequestKind, GuaranteeCap,
    JobState, NewCap, NewDataset, NewDatasetCategoriesType0, NewKey, NewPopulation, NewTenant, Preset, Problem, QuoteRequest, ReleaseState, RhoCap,
    TenantRole,
)
from netdpsyn_client.types import File

SAMPLE = Path(__file__).parents[2] / "samples/flows.csv.gz"
WINDOW = "2026-01-05T08:00:00Z/2026-01-05T09:00:00Z"
steps = 0


def ask(operation, client, expected=200, **arguments):
    """Calls an operation of the generated client, and expects an answer that the document describes."""
    global steps
    id = arguments.pop("id", None)
    answer = operation.sync_detailed(*([] if id is None else [id]), client=client, **arguments)
    name = operation.__name__.rsplit(".", 1)[-1]
    assert answer.status_code == expected, f"{name}: {answer.status_code} {answer.content[:2000]!r}"
    assert "x-request-id" in answer.headers, name
    if expected >= 400:
        assert isinstance(answer.parsed, Problem) and answer.parsed.status == expected, name
    steps += 1
    return answer


def ended(operation, client, id, over):
    """Asks until a state is one of these."""
    for _ in range(1800):
        found = ask(operation, client, id=id).parsed
        if found.state in over:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{operation.__name__}: not over after three minutes")


def done(client, id):
    job = ended(show_job, client, id, {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})
    assert job.state == JobState.SUCCEEDED, job
    return job


def tenant_of(admin, name, cap):
    """A tenant with a client for its steward and one for its reader."""
    tenant = ask(create_tenant, admin, 201, body=NewTenant(name=name, cap=cap)).parsed
    issued = [ask(issue_key, admin, 201, id=tenant.id, body=NewKey(role=role, name=role.value)).parsed for role in (TenantRole.STEWARD, TenantRole.READER)]
    return tenant, issued


def dataset_of(steward):
    """A dataset of the sample flows, parsed."""
    categories = NewDatasetCategoriesType0()
    categories["type"] = ["normal", "ddos", "portscan", "bruteforce"]
    made = ask(create_dataset, steward, 201, body=NewDataset(name="flows", preset=Preset.FLOW, window=WINDOW, categories=categories))
    assert made.headers["Location"] == f"/v1/datasets/{made.parsed.id}" and made.parsed.state == DatasetState.EMPTY
    received = ask(upload_trace, steward, 202, id=made.parsed.id, body=File(payload=io.BytesIO(SAMPLE.read_bytes())))
    assert received.headers["Retry-After"]
    found = ended(show_dataset, steward, made.parsed.id, {DatasetState.READY, DatasetState.REJECTED})
    assert found.state == DatasetState.READY, found
    return found


def fit(dataset, **more):
    return FitRequest(kind=FitRequestKind.FIT, dataset_id=dataset.id, epsilon=2.0, **more)


def tour(url, admin_key):
    def with_key(key):
        return AuthenticatedClient(base_url=url, token=key)

    nobody, admin = Client(base_url=url), with_key(admin_key)
    ask(is_alive, nobody), ask(is_ready, nobody)
    ask(list_tenants, with_key("ndp_" + "0" * 64), 401)

    tenant, (steward_key, reader_key) = tenant_of(admin, f"tour {time.time_ns()}", GuaranteeCap(epsilon=8.0, delta=1e-9))
    steward, reader = with_key(steward_key.secret), with_key(reader_key.secret)
    ask(create_tenant, admin, 409, body=NewTenant(name=tenant.name, cap=RhoCap(rho=1.0)))
    assert tenant.id in [t.id for t in ask(list_tenants, admin, limit=200).parsed.items]
    ask(show_tenant, admin, id=tenant.id), ask(show_tenant_budget, admin, id=tenant.id)
    ask(set_tenant_cap, admin, id=tenant.id, body=NewCap(cap=RhoCap(rho=2.0)))
    population = ask(create_population, admin, 201, body=NewPopulation(tenant_id=tenant.id, name="guests", cap=RhoCap(rho=0.5))).parsed
    ask(set_population_cap, admin, id=population.id, body=NewCap(cap=RhoCap(rho=0.25)))
    assert len(ask(list_populations, steward).parsed.items) == 2
    ask(list_tenants, steward, 403), ask(list_datasets, reader, 403)

    dataset = dataset_of(steward)
    ask(change_dataset, steward, id=dataset.id, body=DatasetPatch(name="flows, renamed"))
    assert [d.name for d in ask(list_datasets, steward).parsed.items] == ["flows, renamed"]
    quote = ask(quote_fit, steward, body=QuoteRequest(dataset_id=dataset.id, epsilon=2.0)).parsed
    assert quote.fits and quote.required_rho > 0 and quote.expected.private

    accepted = ask(submit_job, steward, 202, body=fit(dataset, hold_out=True, seed=2**64 - 1, evaluate=True), idempotency_key="tour-1")
    again = ask(submit_job, steward, 202, body=fit(dataset, hold_out=True, seed=2**64 - 1, evaluate=True), idempotency_key="tour-1")
    assert again.parsed.id == accepted.parsed.id and accepted.headers["Location"].endswith(str(accepted.parsed.id))
    fitted = done(steward, accepted.parsed.id)
    assert fitted.charged
    ask(show_model, steward, id=fitted.model_id), ask(show_model, reader, 404, id=fitted.model_id)
    assert ask(show_marginals, steward, id=fitted.model_id).parsed.marginals
    generate = GenerateRequest(kind=GenerateRequestKind.GENERATE, model_id=fitted.model_id, rows=500, seed=7)
    release = done(steward, ask(submit_job, steward, 202, body=generate).parsed.id).release_id
    evaluate = EvaluateRequest(kind=EvaluateRequestKind.EVALUATE, release_id=release)
    done(steward, ask(submit_job, steward, 202, body=evaluate).parsed.id)

    ask(show_release, reader, 404, id=release)
    assert ask(publish_release, steward, id=release).parsed.state == ReleaseState.PUBLISHED
    assert release in [r.id for r in ask(list_releases, reader).parsed.items]
    seen = ask(show_release, reader, id=release).parsed
    assert seen.rows == 500 and seen.seed == "7"
    assert ask(show_report, reader, id=release).parsed.synthetic_rows == 500
    content = ask(download_trace, reader, id=release)
    assert content.parsed.count("\n") == 501 and content.headers["ETag"]
    ask(download_trace, reader, 304, id=release, if_none_match=content.headers["ETag"])
    assert ask(show_private_report, steward, id=release).parsed.private
    ask(show_private_report, reader, 403, id=release)

    compared = ask(compare_fits, steward, id=dataset.id, model=[fitted.model_id], epsilon=[0.5, 1.0]).parsed
    assert compared.private and len(compared.items) == 3 and compared.items[0].measured.two_way > 0
    ask(compare_fits, reader, 403, id=dataset.id)
    assert tenant.id in [t.id for t in ask(show_storage, admin).parsed.tenants]

    budget = ask(show_budget, steward).parsed
    assert budget.tenant.spent.rho == fitted.rho and len(budget.populations) == 2
    page = ask(list_entries, steward, limit=2).parsed
    assert len(page.items) == 2 and ask(list_entries, steward, after=page.next_).parsed.items

    second = ask(submit_job, steward, 202, body=fit(dataset)).parsed
    ask(cancel_job, steward, 202, id=second.id)
    ended(show_job, steward, second.id, {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})
    while any(j.state in (JobState.QUEUED, JobState.RUNNING) for j in ask(list_jobs, steward, limit=200).parsed.items):
        time.sleep(0.1)
    ask(erase_dataset, steward, 204, id=dataset.id)
    assert ask(show_dataset, steward, id=dataset.id).parsed.state == DatasetState.ERASED
    ask(show_release, reader, id=release)

    assert len(ask(list_keys, admin, id=tenant.id).parsed.items) == 2
    ask(revoke_key, admin, 204, id=tenant.id, key_id=reader_key.id)
    ask(list_releases, reader, 401)
    print(f"{steps} calls")


def things(url, admin_key):
    """What the generated requests may find on the server, by kind; and a key of each role."""
    admin = AuthenticatedClient(base_url=url, token=admin_key)
    tenant, (steward_key, reader_key) = tenant_of(admin, f"things {time.time_ns()}", RhoCap(rho=500.0))
    steward = AuthenticatedClient(base_url=url, token=steward_key.secret)
    strict = ask(create_population, admin, 201, body=NewPopulation(tenant_id=tenant.id, name="strict", cap=RhoCap(rho=0.5), strict=True)).parsed
    frozen, free = dataset_of(steward), dataset_of(steward)
    empty = ask(create_dataset, steward, 201, body=NewDataset(name="empty", preset=Preset.PACKET)).parsed
    fitted = done(steward, ask(submit_job, steward, 202, body=fit(frozen)).parsed.id)
    draft, published = (
        done(steward, ask(submit_job, steward, 202, body=GenerateRequest(kind=GenerateRequestKind.GENERATE, model_id=fitted.model_id, rows=100)).parsed.id).release_id
        for _ in range(2)
    )
    done(steward, ask(submit_job, steward, 202, body=EvaluateRequest(kind=EvaluateRequestKind.EVALUATE, release_id=published)).parsed.id)
    ask(publish_release, steward, id=published)
    ids = {
        "tenant": [tenant.id], "population": [strict.id, frozen.population_id], "dataset": [frozen.id, free.id, empty.id], "job": [fitted.id],
        "model": [fitted.model_id], "release": [published, draft],
    }
    _, (neighbour_key, _) = tenant_of(admin, f"neighbour {time.time_ns()}", RhoCap(rho=1.0))
    keys = {"admin": admin_key, "steward": steward_key.secret, "reader": reader_key.secret, "neighbour": neighbour_key.secret}
    return {"ids": {kind: [str(id) for id in found] for kind, found in ids.items()}, "keys": keys}


if __name__ == "__main__":
    url, admin_key, *out = sys.argv[1:]
    if out:
        Path(out[0]).write_text(json.dumps(things(url, admin_key)))
    else:
        tour(url, admin_key)
