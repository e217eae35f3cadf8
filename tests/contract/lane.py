"""`./run contract`: is the document valid, does a client generated from it work, does the service do what it says? Prints a table of what ran; fails
on any finding. Takes the program, a folder to work in, and the address of a Postgres server; further words are handed to schemathesis."""

import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "openapi/openapi.json"
NEIGHBOURS = "stewards of two tenants"
ROLES = ("admin", "steward", "reader", "nobody", NEIGHBOURS)
# Probes take no key, no parameters and no body: there is nothing about a request that they could refuse.
NO_REFUSALS = {"#/paths/~1healthz/get/responses", "#/paths/~1readyz/get/responses"}
# A client that tries everything must not be slowed down by what protects the service from one.
UNLIMITED = {
    "NETDPSYN_MAX_REQUESTS_PER_SECOND": "100000",
    "NETDPSYN_MAX_OPEN_JOBS": "100000",
}


class Finding(Exception):
    """A step found something; the text is the evidence."""


class Lane:
    def __init__(self, program, work, postgres, words):
        self.program, self.work, self.postgres = Path(program).resolve(), Path(work).resolve(), postgres
        self.words = words or ["--max-examples", "40", "--seed", "19"]
        self.bin = self.work / "venv/bin"
        self.rows, self.failed = [], False

    def step(self, name, function, *arguments):
        """Runs one step and keeps its line of the table."""
        start = time.monotonic()
        try:
            told, verdict = function(*arguments) or "", "clean"
        except Finding as finding:
            told, verdict, self.failed = "see above", "FINDINGS", True
            print(f"\n── {name}\n{finding}", flush=True)
        self.rows.append((name, told, f"{time.monotonic() - start:.0f} s", verdict))
        print(f"{verdict:9} {name} ({told}, {self.rows[-1][2]})", flush=True)

    def run(self, *command, **settings):
        """The output of a command; a finding when it fails."""
        ran = subprocess.run([str(word) for word in command], capture_output=True, text=True, errors="replace", **settings)
        if ran.returncode:
            raise Finding(ran.stdout + ran.stderr)
        return ran.stdout

    def tools(self):
        """Python and Node tools with the versions of the two lists, installed once for each state of the lists."""
        lists = (HERE / "requirements.txt", HERE / "package.json")
        mark, wanted = self.work / "installed", "".join(file.read_text() for file in lists)
        if mark.exists() and mark.read_text() == wanted:
            return
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        self.run(sys.executable, "-m", "venv", self.work / "venv")
        self.run(self.bin / "pip", "install", "--quiet", "--requirement", lists[0])
        shutil.copy(lists[1], self.work)
        self.run("npm", "install", "--no-audit", "--no-fund", cwd=self.work)
        mark.write_text(wanted)

    def drift(self):
        if self.run(self.program, "openapi") != DOCUMENT.read_text():
            raise Finding("the document under openapi/ is not the program's: cargo run -- openapi > openapi/openapi.json")

    def valid(self):
        self.run(self.bin / "openapi-spec-validator", DOCUMENT)

    def lint(self):
        command = (self.work / "node_modules/.bin/redocly", "lint", DOCUMENT, "--config", HERE / "redocly.yaml", "--format", "json")
        ran = subprocess.run(command, capture_output=True, text=True, cwd=self.work)
        try:
            problems = json.loads(ran.stdout)["problems"]
        except ValueError:
            raise Finding(ran.stdout + ran.stderr) from None
        lines = [
            f"{p['severity']} {p['ruleId']} {p['location'][0]['pointer']}: {p['message']}"
            for p in problems
            if not (p["ruleId"] == "operation-4xx-response" and p["location"][0]["pointer"] in NO_REFUSALS)
        ]
        if lines:
            raise Finding("\n".join(lines))

    def client(self):
        """A client generated anew; whatever of the document the generator passes over is a finding."""
        out = self.work / "client/netdpsyn_client"
        shutil.rmtree(out, ignore_errors=True)
        out.parent.mkdir(exist_ok=True)
        environment = {**os.environ, "PATH": f"{self.bin}:{os.environ['PATH']}"}
        generator = (self.bin / "openapi-python-client", "generate", "--path", DOCUMENT, "--meta", "none", "--fail-on-warning")
        self.run(*generator, "--output-path", out, env=environment)
        return f"{sum(1 for _ in (out / 'api').glob('*/[a-z]*.py'))} operations"

    def tour(self, server, *out):
        environment = {**os.environ, "PYTHONPATH": str(self.work / "client")}
        return self.run(self.bin / "python", HERE / "tour.py", server.url, server.admin, *out, env=environment).strip()

    def generated_requests(self, server, things, who):
        """Schemathesis with every check, under one role's key, or as two stewards of two tenants, who must not see each other's things."""
        keys, config = json.loads(things.read_text())["keys"], HERE / "schemathesis.toml"
        key = ("--header", f"Authorization: Bearer {keys[who]}") if who in keys else ()
        if who == NEIGHBOURS:
            peers = [{"name": name, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {keys[name]}"}]} for name in ("steward", "neighbour")]
            (self.work / "peers.json").write_text(json.dumps({"auth": peers}))
            text = config.read_text() + '[auth.wfc]\npath = "peers.json"\npeers = ["steward", "neighbour"]\n'
            config = self.work / "peers.toml"
            config.write_text(text)
        environment = {
            **os.environ, "NETDPSYN_CONTRACT_THINGS": str(things), "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1",
        }
        passed_over = self.work / "passed-over"
        passed_over.write_text("")
        told = self.run(
            self.bin / "st", "--config-file", config, "run", DOCUMENT, "--url", server.url, "--no-color", "--generation-database", "none", *key,
            *self.words, env=environment, cwd=self.work,
        )
        server.check()
        for why, times in Counter(passed_over.read_text().splitlines()).items():
            print(f"          {times:4} passed over: {why}")
        return f"{re.search(r'([0-9]+) generated', told)[1]} requests"

    def database(self, kind, folder):
        if kind == "SQLite":
            return f"sqlite:{folder}/netdpsyn.sqlite"
        name = f"contract_{secrets.token_hex(6)}"
        psql = sorted(Path("/usr/lib/postgresql").glob("*/bin/psql"))[-1]
        self.run(psql, "--quiet", self.postgres, "--command", f"CREATE DATABASE {name}")
        return f"{self.postgres.rsplit('/', 1)[0]}/{name}"

    @contextmanager
    def server(self, kind):
        with tempfile.TemporaryDirectory() as folder:
            server = Server(self.program, folder, self.database(kind, folder))
            try:
                yield server
            finally:
                server.stop()

    def table(self):
        widths = [max(len(row[column]) for row in self.rows) for column in range(4)]
        print("\n" + "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)) for row in self.rows))


class Server:
    """The program on a free port, with a database and a folder of its own."""

    def __init__(self, program, folder, database):
        self.command, self.log = [program, "serve"], Path(folder, "log")
        self.admin = "ndp_" + secrets.token_hex(32)
        self.environment = {
            **os.environ, **UNLIMITED, "NETDPSYN_DATABASE_URL": database, "NETDPSYN_DATA_DIR": f"{folder}/data", "NETDPSYN_ADMIN_KEY": self.admin,
        }
        self.start(workers=1)

    def start(self, workers):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            listen = "{}:{}".format(*free.getsockname())
        self.url = f"http://{listen}"
        environment = {**self.environment, "NETDPSYN_LISTEN": listen, "NETDPSYN_WORKERS": str(workers)}
        self.process = subprocess.Popen(self.command, env=environment, stderr=self.log.open("a"))
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{self.url}/readyz", timeout=5)
                return
            except OSError:
                self.check()
                time.sleep(0.1)
        raise Finding("the server does not get ready:\n" + self.log.read_text())

    def check(self):
        if self.process.poll() is not None:
            raise Finding("the server ended:\n" + self.log.read_text()[-5000:])
        panics = [line for line in self.log.read_text().splitlines() if "panicked" in line]
        if panics:
            raise Finding("\n".join(panics))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def main(program, work, postgres, *words):
    lane = Lane(program, work, postgres, list(words))
    lane.step("tools installed", lane.tools)
    lane.step("the document is the program's", lane.drift)
    lane.step("openapi-spec-validator", lane.valid)
    lane.step("redocly, recommended rules", lane.lint)
    lane.step("openapi-python-client", lane.client)
    for kind in ("SQLite", "Postgres"):
        with lane.server(kind) as server:
            lane.step(f"{kind}: tour by the generated client", lane.tour, server)
            things = lane.work / "things.json"
            lane.step(f"{kind}: things to find", lane.tour, server, things)
            # From here on jobs wait: what is submitted counts, not how long hundreds of fits take.
            server.stop()
            server.start(workers=0)
            for role in ROLES:
                lane.step(f"{kind}: schemathesis as {role}", lane.generated_requests, server, things, role)
    lane.table()
    sys.exit(lane.failed)


if __name__ == "__main__":
    main(*sys.argv[1:])
