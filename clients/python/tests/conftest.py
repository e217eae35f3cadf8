"""A server of one's own, on a free port and a temporary data directory; simulated traces; keys of each role."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from netdpsyn import Client, Dataset

BIN = Path(os.environ.get("NETDPSYN_BIN", Path(__file__).parents[3] / "target/debug/netdpsyn")).resolve()
WINDOW = "2026-01-05T08:00:00Z/2026-01-05T09:00:00Z"
TYPES = ["normal", "ddos", "portscan", "bruteforce"]


@dataclass
class Server:
    url: str
    admin: str
    process: subprocess.Popen[bytes]
    log: Path

    def client(self, key: str) -> Client:
        return Client(self.url, key)


@dataclass
class Tenant:
    id: str
    steward: str
    reader: str


@contextmanager
def serving(folder: Path, **settings: str) -> Iterator[Server]:
    """A server that stops at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{free.getsockname()[1]}"
    settings = {"NETDPSYN_LISTEN": listen, "NETDPSYN_ADMIN_KEY": f"ndp_{secrets.token_hex(32)}", **settings}
    own = {name: value for name, value in os.environ.items() if not name.startswith("NETDPSYN_")}
    own |= {"NETDPSYN_DATA_DIR": str(folder / "data"), **settings}
    log = folder / "server.log"
    with log.open("ab") as told:
        process = subprocess.Popen([BIN, "serve"], env=own, stdout=told, stderr=told)
    try:
        url = f"http://{settings['NETDPSYN_LISTEN']}"
        for _ in range(300):
            try:
                if httpx.get(f"{url}/readyz").is_success:
                    break
            except httpx.TransportError:
                pass
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
        yield Server(url, settings["NETDPSYN_ADMIN_KEY"], process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def tenant_of(server: Server, name: str, rho: float) -> Tenant:
    """A tenant with a key of each role."""
    with server.client(server.admin) as admin:
        made = admin.create_tenant(name, rho=rho)
        steward, reader = (admin.issue_key(made["id"], role, role).secret for role in ("steward", "reader"))
    return Tenant(made["id"], steward, reader)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def tenant(server: Server, request: pytest.FixtureRequest) -> Tenant:
    return tenant_of(server, request.node.name, 0.5)


@pytest.fixture
def steward(server: Server, tenant: Tenant) -> Iterator[Client]:
    with server.client(tenant.steward) as client:
        yield client


@pytest.fixture
def reader(server: Server, tenant: Tenant) -> Iterator[Client]:
    with server.client(tenant.reader) as client:
        yield client


Sample = Callable[..., Path]


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """Simulated traces: `sample("flows.csv.gz", 4000)`."""
    folder = tmp_path_factory.mktemp("samples")

    def simulated(name: str, rows: int, kind: str = "flows") -> Path:
        out = folder / f"{rows}-{name}"
        if not out.exists():
            subprocess.run([BIN, "sample", kind, "--rows", str(rows), "-o", out], check=True, capture_output=True)
        return out

    return simulated


def flows(client: Client) -> Dataset:
    """A dataset of the simulated flows, still empty."""
    return client.create_dataset("flows", preset="flow", window=WINDOW, categories={"type": TYPES})
