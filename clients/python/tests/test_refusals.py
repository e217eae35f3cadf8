"""Refusals of the running server, as exceptions."""

from __future__ import annotations

import logging
import pickle
import re
import threading
import time
from pathlib import Path

import pytest

import netdpsyn
from conftest import Sample, Server, Tenant, flows, serving, tenant_of
from netdpsyn import Client, Retry, TraceRejected, WaitTimeout, problems
from netdpsyn.errors import ProblemError, of_document

PROBLEMS = Path(__file__).parents[3] / "src/service/problem.rs"


def test_every_type_of_problem_has_its_exception() -> None:
    told = set(re.findall(r'= "(/problems/[a-z-]+)"', PROBLEMS.read_text()))
    known = {one.kind for one in vars(problems).values() if isinstance(one, type) and issubclass(one, ProblemError)} - {""}
    assert len(told) > 30 and known == told


def test_a_type_that_nobody_knows_is_a_problem_all_the_same() -> None:
    error = of_document({"type": "/problems/new", "title": "New", "status": 409, "detail": "so it is"}, "r1")
    assert type(error) is ProblemError and str(error) == "New (409): so it is" and error.what_to_do == "so it is"
    again = pickle.loads(pickle.dumps(error))
    assert (again.kind, again.detail, again.request_id) == ("/problems/new", "so it is", "r1")


def test_a_proposal_is_taken_up(steward: Client, sample: Sample) -> None:
    lines = sample("flows.csv", 4000).read_text().splitlines()
    cells = [line.split(",") for line in lines]
    for record in cells[1::5]:
        record[2] = "-"
    trace = "\n".join(map(",".join, cells)).encode()
    dataset = flows(steward).upload(trace)
    with pytest.raises(TraceRejected) as refused:
        dataset.wait(60)
    error = refused.value
    assert error.proposal == {"special": {"srcport": ["-"]}} and isinstance(error.problem, problems.TraceRefused)
    assert "accept_proposal" in str(error) and "srcport" not in repr(error) + repr(error.problem)
    assert dataset.accept_proposal().upload(trace).wait(60).state == "ready"
    with pytest.raises(ValueError, match="no proposal"):
        dataset.accept_proposal()


def test_refusals_say_what_and_where(server: Server, steward: Client, reader: Client, tenant: Tenant) -> None:
    with pytest.raises(problems.Invalid) as invalid:
        steward.create_dataset("flows", preset="flow", window="yesterday")
    assert invalid.value.field == "window" and "window: " in str(invalid.value) and invalid.value.request_id
    with pytest.raises(problems.Forbidden, match="steward"):
        reader.create_dataset("flows", preset="flow")
    with pytest.raises(problems.NotReady):
        flows(steward).fit(1.0)
    with pytest.raises(problems.NotFound) as missing:
        steward.job("00000000-0000-7000-8000-000000000000")
    assert missing.value.status == 404 and "published" in missing.value.what_to_do
    with server.client("ndp_" + "0" * 64) as stranger, pytest.raises(problems.Unauthorised):
        stranger.budget()
    with pytest.raises(ValueError, match="badly formed"):
        steward.release("../tenants")
    other = tenant_of(server, "another", 0.1)
    dataset = flows(steward)
    with server.client(other.steward) as neighbour, pytest.raises(problems.NotFound):
        neighbour.dataset(dataset.id)


def test_a_wrong_digest_and_a_large_file_are_refused(steward: Client, sample: Sample, tmp_path: Path) -> None:
    dataset = flows(steward)
    with pytest.raises(ProblemError, match=r"(?i)digest"):
        steward._transport.bytes(
            "PUT",
            f"/v1/datasets/{dataset.id}/trace",
            body=lambda: iter((b"srcip\n",)),
            headers={"Content-Digest": "sha-256=:" + "A" * 43 + "=:"},
        )
    with serving(tmp_path, NETDPSYN_MAX_UPLOAD_BYTES="1000") as small:
        tenant = tenant_of(small, "small", 0.1)
        with small.client(tenant.steward) as client:
            for source in (sample("flows.csv", 4000), iter([bytes(300_000)] * 40)):
                with pytest.raises(problems.TooLarge) as large:
                    flows(client).upload(source)
                assert large.value.figures["limit_bytes"] == 1000


def test_waiting_ends_when_it_should(steward: Client, sample: Sample) -> None:
    dataset = flows(steward).upload(sample("flows.csv", 40_000)).wait(60)
    job = dataset.fit(1.5)
    with pytest.raises(WaitTimeout, match="goes on"):
        job.wait(0.01)
    with pytest.raises(TimeoutError):
        job.release(0.01)
    job.cancel()
    with pytest.raises(netdpsyn.JobFailed) as ended:
        job.wait(60)
    assert job.is_over and ended.value.job is job and "fit job" in str(ended.value)


def test_a_trace_comes_from_wherever_it_is(steward: Client, sample: Sample) -> None:
    path, told = sample("flows.csv.gz", 4000), list[tuple[int, int | None]]()
    content = path.read_bytes()
    with path.open("rb") as opened:
        for source in (
            str(path),
            content,
            bytearray(content),
            opened,
            (content[at : at + 999] for at in range(0, len(content), 999)),
        ):
            told.clear()
            dataset = flows(steward).upload(source, lambda sent, of: told.append((sent, of))).wait(60)
            assert dataset.parse_report is not None and dataset.parse_report["records"] == 4000
            assert told[-1][0] == len(content) and told[-1][1] in (None, len(content))


def test_a_wait_outlasts_a_server_that_is_replaced(sample: Sample, tmp_path: Path) -> None:
    with serving(tmp_path, NETDPSYN_LEASE_SECONDS="2") as first:
        tenant = tenant_of(first, "replaced", 0.5)
        again = {"NETDPSYN_LISTEN": first.url.removeprefix("http://"), "NETDPSYN_LEASE_SECONDS": "2"}
        with Client(first.url, tenant.steward, retry=Retry(attempts=1)) as steward:
            fit = flows(steward).upload(sample("flows.csv", 40_000)).wait(60).fit(1.5)
            first.process.kill()
            waited = threading.Thread(target=fit.wait, args=(120,))
            waited.start()
            time.sleep(2)
            assert waited.is_alive()
            with serving(tmp_path, **again):
                waited.join(120)
                assert fit.state == "succeeded" and len(list(steward.jobs(kind="fit"))) == 1


def test_a_format_that_does_not_fit_is_refused_with_its_reason(steward: Client, sample: Sample, tmp_path: Path) -> None:
    release = flows(steward).upload(sample("flows.csv.gz", 4000)).wait(60).fit(2.0).release(60)
    with pytest.raises(problems.NotAcceptable, match="packets"):
        release.download(tmp_path / "trace.pcap")
    with pytest.raises(problems.Invalid, match="layout"):
        release.content(layout="no-such")
    assert list(tmp_path.iterdir()) == []


def test_no_key_is_shown(
    server: Server, tenant: Tenant, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    key = tenant.steward
    with server.client(key) as client:
        client.budget()
        shown = [repr(client), repr(client._transport), repr(client._transport._http), repr(vars(client._transport))]
        with pytest.raises(problems.NotFound) as missing:
            client.job("00000000-0000-7000-8000-000000000000")
        shown += [repr(missing.value), str(missing.value), repr(missing.value.__dict__)]
        with pytest.raises(TypeError, match="key"):
            pickle.dumps(client._transport._http.auth)
    for wrong in (f"{key}\n{key}", f"{key}é", " "):
        with pytest.raises(ValueError, match="key") as refused:
            server.client(wrong)
        shown.append(str(refused.value))
    with server.client(server.admin) as admin:
        issued = admin.issue_key(tenant.id, "reader", "another")
    shown += [repr(issued), caplog.text, *capfd.readouterr()]
    assert "budget" in caplog.text, "requests are logged"
    for secret in (key, issued.secret):
        assert all(secret[16:] not in text for text in shown)
