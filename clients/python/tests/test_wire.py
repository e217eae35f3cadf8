"""What is sent again, when, and what is not; what breaks off and is gone on with."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path

import httpx
import pytest

from conftest import Sample, Server, Tenant, flows, tenant_of
from netdpsyn import ChecksumMismatch, Client, ConnectionFailed, Release, Retry, UnexpectedAnswer, problems
from netdpsyn.events import parse
from netdpsyn.fetch import format_of
from netdpsyn.retry import asked_for

KEY = "ndp_" + "1" * 64
ID = "00000000-0000-7000-8000-000000000001"
JOB = {"id": ID, "kind": "fit", "state": "queued", "dataset_id": ID, "percent": 0}


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits, none of which is waited."""
    waits = list[float]()
    monkeypatch.setattr("time.sleep", waits.append)
    return waits


def problem(status: int, kind: str = "unavailable", **headers: str) -> httpx.Response:
    document = {"type": f"/problems/{kind}", "title": "Not now", "status": status, "detail": "later"}
    return httpx.Response(status, json=document, headers={name.replace("_", "-"): value for name, value in headers.items()})


Answer = httpx.Response | Exception


def scripted(*answers: Answer) -> tuple[Client, list[httpx.Request]]:
    """A client to which these answers are given, one after the other."""
    asked, left = list[httpx.Request](), iter(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        request.read()
        asked.append(request)
        found = next(left)
        if isinstance(found, Exception):
            raise found
        return found

    return Client("http://traces.test/base", KEY, transport=httpx.MockTransport(answer)), asked


def test_a_refusal_that_passes_is_waited_out(slept: list[float]) -> None:
    client, asked = scripted(problem(429, "too-many", retry_after="7"), problem(503), httpx.Response(202, json=JOB))
    job = client.submit({"kind": "evaluate", "release_id": ID})
    assert job.state == "queued" and 7 <= slept[0] <= 7.25 and 0 < slept[1] <= 1
    keys = {request.headers["idempotency-key"] for request in asked}
    assert len(keys) == 1 and keys != {""}, "the same job, however often it was asked for"
    assert {request.url.path for request in asked} == {"/base/v1/jobs"}
    assert asked[0].headers["authorization"] == f"Bearer {KEY}"
    assert json.loads(asked[2].content) == {"kind": "evaluate", "release_id": ID}


def test_two_submissions_are_two_jobs(slept: list[float]) -> None:
    client, asked = scripted(*(httpx.Response(202, json=JOB) for _ in range(2)))
    for _ in range(2):
        client.generate(ID)
    assert asked[0].headers["idempotency-key"] != asked[1].headers["idempotency-key"]


def test_a_request_under_way_with_the_same_key_is_waited_for(slept: list[float]) -> None:
    client, asked = scripted(problem(409, "in-flight"), httpx.Response(202, json=JOB))
    assert client.generate(ID).id == ID and len(asked) == 2


@pytest.mark.parametrize(
    ("answer", "again"),
    [
        (problem(429, "too-many", retry_after="1"), True),
        (problem(503, "too-many-connections"), True),
        (httpx.ConnectError("refused"), True),
        (problem(503, "timed-out"), False),
        (problem(502), False),
        (httpx.ReadError("reset"), False),
    ],
)
def test_what_could_be_done_twice_is_not_sent_again(answer: Answer, again: bool, slept: list[float]) -> None:
    made = {"id": ID, "name": "x", "state": "empty", "undeclared": []}
    client, asked = scripted(answer, httpx.Response(201, json=made))
    if again:
        assert client.create_dataset("x", preset="flow").id == ID
    else:
        with pytest.raises((problems.TimedOut, problems.Unavailable, ConnectionFailed)):
            client.create_dataset("x", preset="flow")
    assert len(asked) == (2 if again else 1)


def test_patience_ends(slept: list[float], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "netdpsyn")
    client, asked = scripted(*(problem(503) for _ in range(6)))
    with pytest.raises(problems.Unavailable):
        client.budget()
    assert len(asked) == 6 and len(slept) == 5 and slept[4] > slept[0]
    assert caplog.messages[0].startswith("GET /v1/budget: Unavailable('/problems/unavailable', 503); again in ")
    client, asked = scripted(problem(429, "too-many", retry_after="3600"))
    with pytest.raises(problems.TooMany):
        client.budget()
    assert len(asked) == 1, "an hour is for the caller to wait"
    client, asked = scripted(*(httpx.ReadError("reset") for _ in range(6)))
    with pytest.raises(ConnectionFailed, match=r"GET http://traces\.test/base/v1/budget"):
        client.budget()


def test_answers_of_others_are_told_apart(slept: list[float]) -> None:
    client, asked = scripted(httpx.Response(301, headers={"location": "https://elsewhere.test"}))
    with pytest.raises(UnexpectedAnswer, match="301"):
        client.budget()
    assert len(asked) == 1, "a key goes to no other server"
    client, _ = scripted(httpx.Response(200, text="<html>"))
    with pytest.raises(UnexpectedAnswer, match="no JSON"):
        client.budget()


def test_lists_have_pages() -> None:
    pages = [{"items": [JOB], "next": ID}, {"items": [JOB | {"kind": "generate"}]}]
    client, asked = scripted(*(httpx.Response(200, json=page) for page in pages))
    assert [job.kind for job in client.jobs(state="queued")] == ["fit", "generate"]
    assert dict(asked[1].url.params) == {"limit": "200", "state": "queued", "after": ID}


def test_retry_after_is_seconds_or_a_date() -> None:
    now = datetime(2026, 1, 5, 8, 0, 0, tzinfo=timezone.utc)
    for text, seconds in [("12", 12.0), ("Mon, 05 Jan 2026 08:00:30 GMT", 30.0), ("soon", None), ("", None), ("²", None)]:
        assert asked_for(httpx.Response(503, headers=[(b"retry-after", text.encode())]), now) == seconds, text


def test_what_a_client_cannot_be_made_of(monkeypatch: pytest.MonkeyPatch) -> None:
    for url in ("traces.test", "ftp://traces.test", "http://", "http://me:secret@traces.test"):
        with pytest.raises(ValueError, match="url") as refused:
            Client(url, KEY)
        assert "me:secret" not in str(refused.value)
    with pytest.raises(ValueError, match="NETDPSYN_KEY"):
        Client("http://traces.test")
    monkeypatch.setenv("NETDPSYN_URL", "http://traces.test/")
    monkeypatch.setenv("NETDPSYN_KEY", KEY)
    assert repr(Client()) == "Client('http://traces.test')"


def test_windows_are_written_with_their_zone(slept: list[float]) -> None:
    client, asked = scripted(httpx.Response(201, json={"id": ID}))
    hours = [datetime(2026, 1, 5, hour, tzinfo=timezone.utc) for hour in (8, 9)]
    client.create_dataset("x", preset="flow", window=(hours[0], hours[1]))
    assert json.loads(asked[0].content)["window"] == "2026-01-05T08:00:00Z/2026-01-05T09:00:00Z"
    with pytest.raises(ValueError, match="no time zone"):
        client.create_dataset("x", preset="flow", window=(datetime(2026, 1, 5), hours[1]))


def test_events_are_read_as_they_are_written() -> None:
    lines = [": hello", "event: progress", 'data: {"a":', "data: 1}", "", "id: 7", "", "data", "data:x", ""]
    assert [event for event in parse(lines) if event] == [("progress", '{"a":\n1}'), ("message", "\nx")]


def test_formats_follow_names() -> None:
    assert format_of(Path("a.PARQUET")) == "parquet"
    with pytest.raises(ValueError, match="say the format"):
        format_of(Path("a.txt"))


class Breaking(httpx.BaseTransport):
    """A connection whose answers to these paths break off after so many bytes, or are changed on their way."""

    def __init__(self, path: str, after: Iterator[int], change: Callable[[bytes], bytes] = bytes) -> None:
        self.path, self.after, self.change, self.ranges = path, after, change, list[str | None]()
        self.real = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self.real.handle_request(request)
        if request.method == "GET" and request.url.path.endswith(self.path):
            self.ranges.append(request.headers.get("range"))
            assert isinstance(response.stream, httpx.SyncByteStream)
            response.stream = Cut(response.stream, next(self.after), self.change)
        return response

    def close(self) -> None:
        self.real.close()


class Cut(httpx.SyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream, after: int, change: Callable[[bytes], bytes]) -> None:
        self.stream, self.after, self.change = stream, after, change

    def __iter__(self) -> Iterator[bytes]:
        left = self.after
        for piece in self.stream:
            yield self.change(piece[:left])
            left -= len(piece)
            if left <= 0:
                raise httpx.ReadError("cut")

    def close(self) -> None:
        self.stream.close()


@pytest.fixture(scope="module")
def published(server: Server, sample: Sample) -> Iterator[tuple[Tenant, Release]]:
    tenant = tenant_of(server, "wire", 0.5)
    with server.client(tenant.steward) as steward:
        dataset = flows(steward).upload(sample("flows.csv.gz", 4000)).wait(60)
        yield tenant, dataset.fit(2.0, rows=20_000).release(120).publish()


def test_a_download_goes_on_where_it_broke_off(
    server: Server, published: tuple[Tenant, Release], tmp_path: Path, slept: list[float]
) -> None:
    tenant, release = published
    size = release.view["bytes"]
    breaking = Breaking("/content", itertools.chain([300_000, 0, 300_000], itertools.repeat(10**9)))
    seen = list[tuple[int, int | None]]()
    with Client(server.url, tenant.reader, transport=breaking) as reader:
        out = tmp_path / "trace.csv"
        reader.release(release.id).download(out, progress=lambda done, of: seen.append((done, of)))
    assert hashlib.sha256(out.read_bytes()).hexdigest() == release.view["sha256"]
    assert breaking.ranges == ["bytes=0-", "bytes=300000-", "bytes=300000-", "bytes=600000-"]
    assert seen[-1] == (size, size) and size > 600_000


def test_another_process_goes_on_with_a_download(server: Server, published: tuple[Tenant, Release], tmp_path: Path) -> None:
    tenant, release = published
    out = tmp_path / "trace.csv"
    once = Retry(attempts=1)
    breaking = Breaking("/content", iter([300_000]))
    with Client(server.url, tenant.reader, transport=breaking, retry=once) as reader, pytest.raises(ConnectionFailed):
        reader.release(release.id).download(out)
    (part,) = tmp_path.iterdir()
    assert part.name.endswith(".part") and part.stat().st_size == 300_000
    breaking = Breaking("/content", iter([10**9]))
    with Client(server.url, tenant.reader, transport=breaking) as reader:
        reader.release(release.id).download(out)
    assert breaking.ranges == ["bytes=300000-"] and list(tmp_path.iterdir()) == [out]
    assert hashlib.sha256(out.read_bytes()).hexdigest() == release.view["sha256"]


def test_a_changed_byte_is_found(server: Server, published: tuple[Tenant, Release], tmp_path: Path) -> None:
    tenant, release = published
    breaking = Breaking("/content", itertools.repeat(10**9), lambda piece: piece.replace(b"tcp", b"udp"))
    with Client(server.url, tenant.reader, transport=breaking) as reader:
        found = reader.release(release.id)
        with pytest.raises(ChecksumMismatch, match=release.view["sha256"]):
            found.download(tmp_path / "trace.csv")
        with pytest.raises(ChecksumMismatch):
            found.content()
    assert list(tmp_path.iterdir()) == []


def test_events_that_break_off_are_asked_for(server: Server, sample: Sample, published: tuple[Tenant, Release]) -> None:
    tenant, release = published
    breaking = Breaking("/events", itertools.repeat(40))
    with Client(server.url, tenant.steward, transport=breaking) as steward:
        job = steward.generate(release.model_id, rows=2000).wait(60)
        assert job.state == "succeeded" and breaking.ranges
