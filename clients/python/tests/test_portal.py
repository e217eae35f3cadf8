"""What portals, pipelines and repositories are given."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
from pydantic import TypeAdapter
from standardwebhooks import Webhook, WebhookVerificationError

from conftest import Sample, flows, serving, tenant_of
from netdpsyn import Client, Release, models
from netdpsyn.problems import Invalid, WebhookRefused, Withdrawn

ABOUT: models.About = {
    "title": "Campus uplink", "description": "Flows of one hour.", "publisher": {"name": "Example University"},
    "licence": "CC-BY-4.0",
}  # fmt: skip


def made(steward: Client, sample: Sample) -> Release:
    """A draft of a dataset that says what it is."""
    dataset = flows(steward).upload(sample("flows.csv.gz", 4000)).wait(60)
    dataset.describe(ABOUT)
    return dataset.fit(2.0).release(120)


def test_published_for_everybody_and_taken_back(steward: Client, reader: Client, sample: Sample) -> None:
    release = made(steward, sample).publish(access="public", series="uplink", version="day 3")
    assert release.title == "Campus uplink, day 3"
    assert "Campus uplink" in str(reader.catalogue(limit=200))
    assert release.croissant()["name"] and release.datapackage()["resources"]
    assert steward.signing_keys()["keys"]
    link = release.link(60)
    TypeAdapter(models.LinkView).validate_python(link, strict=True)
    assert "signature=" in link["url"]
    assert steward.repositories() == []
    with pytest.raises(Invalid, match="repository"):
        release.deposit_plan("zenodo")
    assert release.deposits() == []
    assert release.withdraw("the window was wrong").state == "withdrawn"
    with pytest.raises(Withdrawn, match="the window was wrong"):
        reader.release(release.id).content()


def test_fits_side_by_side(steward: Client, sample: Sample) -> None:
    dataset = flows(steward).upload(sample("flows.csv.gz", 4000)).wait(60)
    fit = dataset.fit(2.0).wait(120)
    assert fit.model_id is not None
    view = dataset.comparison(fits=[fit.model_id], epsilons=[0.5, 1.0])
    TypeAdapter(models.ComparisonView).validate_python(view, strict=True)
    assert [item["epsilon"] for item in view["items"]] == [2.0, 0.5, 1.0]


@contextmanager
def receiver(got: list[tuple[dict[str, str], bytes]]) -> Iterator[str]:
    """A receiver that keeps what it gets."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook"
    server.shutdown()
    server.server_close()


def test_a_webhook_is_verified_by_the_library_of_the_specification(tmp_path: Path) -> None:
    got: list[tuple[dict[str, str], bytes]] = []
    with (
        receiver(got) as url,
        serving(tmp_path, NETDPSYN_WEBHOOK_NETWORKS="127.0.0.0/8") as server,
        server.client(tenant_of(server, "hooks", 0.1).steward) as steward,
    ):
        with pytest.raises(WebhookRefused):
            steward.create_webhook("https://10.0.0.1/hook")
        hook = steward.create_webhook(url, ["webhook.test"])
        TypeAdapter(models.SecretWebhook).validate_python(hook, strict=True)
        sent = steward.test_webhook(hook["id"])
        for _ in range(200):
            log = list(steward.deliveries(hook["id"]))
            if log[0]["state"] != "pending":
                break
            time.sleep(0.1)
        assert [one["id"] for one in log] == [sent["id"]] and log[0]["state"] == "delivered"
        headers, body = got[0]
        told = Webhook(hook["secret"]).verify(body, headers)
        assert told["type"] == "webhook.test" and headers["webhook-id"] == sent["id"]
        with pytest.raises(WebhookVerificationError):
            Webhook(hook["secret"]).verify(body.replace(b"test", b"tesT"), headers)
        assert [one["id"] for one in steward.webhooks()] == [hook["id"]]
        steward.remove_webhook(hook["id"])
        assert steward.webhooks() == []
        assert httpx.get(server.url + "/healthz").is_success
