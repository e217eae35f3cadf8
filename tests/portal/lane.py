"""`./run portal`: do portals take up what is published? Made-up documents and those of a running server are read by programs of others, offline; the catalogue is harvested twice.
Takes the program, the folder of the made-up documents, and a folder to work in."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import checks

PROGRAM, MADE_UP, WORK = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), Path(sys.argv[3]).resolve()
HERE = Path(__file__).parent
ADMIN = "ndp_" + secrets.token_hex(32)
ABOUT = {
    "title": "Campus uplink",
    "description": "Flows of the uplink of a campus.",
    "publisher": {"name": "Example University", "url": "https://example.org/"},
    "contact": {"name": "Network desk", "email": "desk@example.org"},
    "licence": "CC-BY-4.0",
    "keywords": ["netflow", "campus"],
    "spatial": {"name": "Leipzig", "url": "https://sws.geonames.org/2879139/"},
    "temporal": {"start": "2026-01-05", "end": "2026-01-06"},
    "series": "uplink",
}
DECLARED = {
    "name": "flows",
    "preset": "flow",
    "window": "2026-01-05T08:00:00Z/2026-01-05T09:00:00Z",
    "categories": {"type": ["normal", "ddos", "portscan", "bruteforce"]},
    "about": ABOUT,
}


def ask(url, path, key=None, body=None, method=None, data=None, accept=None):
    """Status and bytes of an answer."""
    data = json.dumps(body).encode() if body is not None else data
    headers = {"Content-Type": "application/json"} if body is not None else {}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    if accept:
        headers["Accept"] = accept
    request = urllib.request.Request(url + path, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()


class Server:
    def __init__(self, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{free.getsockname()[1]}"
        settings = {
            "NETDPSYN_DATA_DIR": str(folder / "data"),
            "NETDPSYN_LISTEN": self.url.removeprefix("http://"),
            "NETDPSYN_PUBLIC_URL": self.url,
            "NETDPSYN_PUBLISHER": "Example University",
            "NETDPSYN_ADMIN_KEY": ADMIN,
        }
        self.log = open(folder / "server.log", "w")
        self.process = subprocess.Popen([PROGRAM, "serve"], env=os.environ | settings, stderr=self.log)
        self.until(lambda: self.ready())

    def ready(self):
        try:
            return ask(self.url, "/readyz")[0] == 200
        except OSError:
            return False

    def until(self, done):
        for _ in range(600):
            if found := done():
                return found
            assert self.process.poll() is None, "the server has ended; see server.log"
            time.sleep(0.1)
        raise TimeoutError("nothing came of it within a minute; see server.log")

    def made(self, path, key=None, body=None, **more):
        status, text = ask(self.url, path, key, body, **more)
        assert 200 <= status < 300, (path, status, text)
        return json.loads(text) if text else None

    def idle(self, key):
        def done():
            jobs = self.made("/v1/jobs?limit=200", key)["items"]
            return jobs if all(job["state"] not in ("queued", "running") for job in jobs) else None

        jobs = self.until(done)
        assert all(job["state"] == "succeeded" for job in jobs), jobs
        return jobs


def publish(server):
    """A tenant's steward, and four releases of two datasets in a series: public ones, of which one is withdrawn, and one for readers."""
    tenant = server.made("/v1/tenants", ADMIN, {"name": "campus", "cap": {"rho": 5.0}})["id"]
    steward = server.made(f"/v1/tenants/{tenant}/keys", ADMIN, {"role": "steward", "name": "lane"})["secret"]
    trace = (HERE.parents[1] / "samples/flows.csv.gz").read_bytes()
    for day in (1, 2):
        dataset = server.made("/v1/datasets", steward, DECLARED)["id"]
        server.made(f"/v1/datasets/{dataset}/trace", steward, data=trace, method="PUT")
        server.idle(steward)
        server.made("/v1/jobs", steward, {"kind": "fit", "dataset_id": dataset, "epsilon": 2.0})
        model = next(job["model_id"] for job in server.idle(steward) if job["kind"] == "fit" and job["dataset_id"] == dataset)
        server.made("/v1/jobs", steward, {"kind": "generate", "model_id": model, "rows": 500})
        server.idle(steward)
    releases = [release["id"] for release in server.made("/v1/releases", steward)["items"]]
    assert len(releases) == 4, releases
    for at, (release, access) in enumerate(zip(releases, ["public", "public", "public", "tenant"])):
        server.made(f"/v1/releases/{release}/publish", steward, {"access": access, "version": f"day {at + 1}"})
    server.made(f"/v1/releases/{releases[0]}/withdraw", steward, {"reason": "the window was declared wrongly"})
    return steward, releases


def harvest(server):
    """Every page of the public catalogue, as CKAN's harvester walks through them."""
    pages, found, at = [], [], f"{server.url}/v1/catalog?limit=2"
    while at:
        status, text = ask(at, "")
        assert status == 200, (status, text)
        pages.append(text)
        datasets, following = checks.ckan(text)
        found += datasets
        assert following != at
        at = following
    return pages, found


def main():
    checks.offline()
    # What is fetched from this machine takes no proxy.
    os.environ["no_proxy"] = "127.0.0.1"
    subprocess.run([sys.executable, "-B", HERE / "made_up.py", MADE_UP], check=True)
    server = Server(WORK)
    try:
        steward, releases = publish(server)
        pages, found = harvest(server)
        again, _ = harvest(server)
        assert pages == again, "a second harvest differs"
        assert sorted(len(dataset["resources"]) for dataset in found) == [0, 3, 3], found
        print("harvested twice:", len(pages), "pages,", len(found), "datasets, nothing changed")
        for at, page in enumerate(pages):
            print("page", at + 1, checks.dcat_ap(page))
        for at, release in enumerate(releases):
            key = steward if at == 3 else None
            here = f"/p/{release}"
            status, text = ask(server.url, here, key, accept="application/ld+json")
            assert status == 200, (status, text)
            print(release, "DCAT-AP:", checks.dcat_ap(text))
            for name in ("croissant.json", "datapackage.json"):
                status, text = ask(server.url, f"{here}/{name}", key)
                assert status == 200, (status, text)
                (WORK / f"{release}.{name}").write_bytes(text)
            croissant, missing = checks.croissant(WORK / f"{release}.croissant.json")
            assert not missing, missing
            # Of what is public the files themselves are read, by their declared types.
            records = 0
            if at in (1, 2):
                records = sum(1 for _ in croissant.records("records"))
            rows = checks.datapackage(WORK / f"{release}.datapackage.json", with_data=at in (1, 2))
            assert at == 3 or records == rows, (records, rows)
            print(release, "Croissant:", records, "records; data package:", rows, "columns" if at == 3 else "rows")
    finally:
        server.process.terminate()
        server.process.wait()


main()
