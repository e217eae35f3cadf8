"""What a steward and a reader do, from the upload to the frame."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from conftest import Sample, flows
from netdpsyn import Client, Job, models
from netdpsyn.problems import BudgetExhausted, Frozen, NotFound


def as_declared(kind: Any, document: object) -> None:
    """The document is what the generated types say."""
    TypeAdapter(kind).validate_python(document, strict=True)


def test_from_upload_to_frame(steward: Client, reader: Client, sample: Sample, tmp_path: Path) -> None:
    trace, sent, seen = sample("flows.csv.gz", 4000), list[tuple[int, int | None]](), list[str]()
    dataset = flows(steward)
    assert dataset.undeclared == []
    dataset.upload(trace, progress=lambda done, of: sent.append((done, of)))
    assert sent[-1] == (trace.stat().st_size, trace.stat().st_size)
    dataset.wait(60)
    assert dataset.state == "ready" and dataset.parse_report is not None and dataset.parse_report["records"] == 4000
    as_declared(models.DatasetView, dataset.view)

    quote = dataset.quote(2.0)
    as_declared(models.QuoteView, quote)
    assert quote["fits"]

    def note(job: Job) -> None:
        as_declared(models.JobView, job.view)
        seen.append(f"{job.kind} {job.state}")

    fit = dataset.fit(2.0, hold_out=True, evaluate=True, seed=7)
    release = fit.release(120, progress=note)
    assert seen[-1] == "generate succeeded" and "fit succeeded" in seen and fit.state == "succeeded"
    assert fit.rho == pytest.approx(quote["required_rho"])
    private = release.evaluated(60).private_report()
    assert private["private"]

    with pytest.raises(NotFound):
        reader.release(release.id)
    assert list(reader.releases()) == []
    release.publish()
    assert [found.id for found in reader.releases()] == [release.id]
    published = reader.release(release.id)
    as_declared(models.ReleaseView, published.view)

    frame = published.dataframe()
    assert len(frame) == published.rows and set(frame["type"]) <= {"normal", "ddos", "portscan", "bruteforce", "other"}
    assert str(frame["ts"].dtype).startswith("datetime64") and frame["byt"].sum() > 0
    assert list(published.dataframe(columns=["pkt", "byt"]).columns) == ["pkt", "byt"]
    content = published.content()
    assert hashlib.sha256(content).hexdigest() == published.view["sha256"]
    out = published.download(tmp_path / "trace.csv")
    assert out.read_bytes() == content and list(tmp_path.iterdir()) == [out]
    zeek = published.download(tmp_path / "conn.log", layout="zeek-conn")
    assert zeek.read_bytes().startswith(b"#separator")

    report = published.report()
    as_declared(models.ReleaseReportView, report)
    assert report["statement"]["guarantee"]["epsilon"] == 2.0
    assert published.report_page().startswith("<!DOCTYPE html>")
    model = reader.model(published.model_id)
    as_declared(models.ModelView, model)
    as_declared(models.MarginalsView, reader.marginals(published.model_id))

    budget = steward.budget()
    as_declared(models.BudgetView, budget)
    assert budget["tenant"]["spent"]["rho"] == pytest.approx(fit.rho)
    entries = list(steward.entries())
    as_declared(list[models.EntryView], entries)
    assert [entry["kind"] for entry in entries] == ["grant", "grant", "reserve", "commit"]

    with pytest.raises(Frozen) as frozen:
        dataset.declare(window="0/60")
    assert "new dataset" in frozen.value.what_to_do
    with pytest.raises(BudgetExhausted) as short:
        dataset.fit(50.0)
    assert short.value.required_rho > short.value.left_rho > 0 and short.value.short
    assert short.value.largest_epsilon is not None and 0 < short.value.largest_epsilon < 50
    assert dataset.erase().state == "erased"


def test_further_traces_cost_nothing(steward: Client, sample: Sample) -> None:
    dataset = flows(steward).upload(sample("flows.csv.gz", 4000)).wait(60)
    fit = dataset.fit(2.0).wait(60)
    assert fit.model_id is not None
    spent = steward.budget()["tenant"]["spent"]["rho"]
    job = steward.generate(fit.model_id, rows=500, seed=3, condition={"type": "ddos"})
    release = job.release(60)
    assert release.rows == 500 and set(release.dataframe()["type"]) == {"ddos"}
    assert release.view.get("condition") is not None
    assert steward.budget()["tenant"]["spent"]["rho"] == spent
    with pytest.raises(ValueError, match="no comparison"):
        release.evaluated()
    assert release.evaluate().wait(60).release().id == release.id
    assert release.evaluated().private_report()["private"]
    assert [found.id for found in steward.datasets()] == [dataset.id]
    assert {found.id for found in steward.jobs(dataset_id=dataset.id, kind="fit")} == {fit.id}


def test_the_same_key_is_the_same_fit(steward: Client, sample: Sample) -> None:
    dataset = flows(steward).upload(sample("flows.csv.gz", 4000)).wait(60)
    first, again = (dataset.fit(1.5, idempotency_key="uplink") for _ in range(2))
    assert first.id == again.id
    first.wait(60)
    assert len(list(steward.jobs(kind="fit"))) == 1


def test_packets_are_a_capture(steward: Client, sample: Sample, tmp_path: Path) -> None:
    trace = sample("packets.csv.gz", 4000, "packets")
    dataset = steward.create_dataset("packets", preset="packet", window="2026-01-05T08:00:00Z/2026-01-05T08:05:00Z")
    dataset.upload(trace).wait(60)
    out = dataset.fit(2.0, accept_noise=True, accept_outside=True).release(120).download(tmp_path / "trace.pcapng")
    assert out.read_bytes()[:4] == b"\x0a\x0d\x0d\x0a"
