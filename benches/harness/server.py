"""What both sides share: a server process, a plain HTTP client, and what the system says about the process."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

START_LIMIT_S = 120.0
STOP_LIMIT_S = 60.0
# Access tokens of Pawbase are valid for 15 minutes.
TOKEN_LIFE_S = 420.0
_TICKS = os.sysconf("SC_CLK_TCK")


class Failure(Exception):
    """Something that makes the comparison worthless; the run ends with its text."""


def free_port() -> int:
    """A port of this machine that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def processor_s(pid: int) -> float:
    """Processor seconds that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


class Client:
    """One connection kept open, JSON in and out."""

    def __init__(self, port: int):
        self.port = port
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def send(self, method: str, path: str, body=None, token: str | None = None, headers: dict | None = None):
        """Answers status, headers and the parsed body."""
        sent = dict(headers or {})
        data = None
        if body is not None:
            data, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
        if token:
            sent["Authorization"] = f"Bearer {token}"
        try:
            self._connection.request(method, path, data, sent)
            response = self._connection.getresponse()
        except (http.client.HTTPException, ConnectionError):
            # The server closed an idle connection: once more on a new one.
            self._connection.close()
            self._connection.request(method, path, data, sent)
            response = self._connection.getresponse()
        text = response.read()
        return response.status, response.headers, json.loads(text) if text else None

    def want(self, status: int, method: str, path: str, body=None, token: str | None = None):
        """The parsed body of an answer that must have this status."""
        got, _, answer = self.send(method, path, body, token)
        if got != status:
            raise Failure(f"{method} {path[:200]}: {got} instead of {status}: {str(answer)[:600]}")
        return answer


class Server:
    """A process that serves on 127.0.0.1; subclasses say how it is started."""

    name = ""
    # Path that answers 200 as soon as the server works.
    ready_path = "/"

    def __init__(self, binary: Path, data: Path):
        self.binary = binary
        self.data = data
        self.port = free_port()
        self.process: subprocess.Popen | None = None
        self.client: Client | None = None
        self.tokens: list[str] = []
        self._signed_in_at = 0.0

    def command(self) -> list[str]:
        """The command line."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """What is set in the environment besides what is there."""
        return {}

    def start(self) -> float:
        """Starts the process; answers the seconds until it answers requests."""
        self.data.mkdir(parents=True, exist_ok=True)
        began = time.perf_counter()
        with open(self.data.parent / f"{self.name}.log", "ab") as log:
            self.process = subprocess.Popen(
                self.command(), cwd=self.data.parent, env={**os.environ, **self.environment()},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        while not self._is_ready():
            if self.process.poll() is not None:
                raise Failure(f"{self.name} ended at start; see {log.name}")
            if time.perf_counter() - began > START_LIMIT_S:
                raise Failure(f"{self.name} did not start within {START_LIMIT_S:.0f} s; see {log.name}")
            time.sleep(0.002)
        took = time.perf_counter() - began
        self.client = Client(self.port)
        self._signed_in_at = 0.0
        return took

    def _is_ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", self.ready_path)
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def stop(self) -> None:
        """Stops it in order; by force if it takes too long."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def memory_mb(self, entry: str = "VmRSS") -> float:
        """Resident memory now, or its highest (`VmHWM`), in MB of 1,000,000 bytes."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(f"{entry}:"):
                return int(line.split()[1]) * 1024 / 1e6
        raise Failure(f"no {entry} for {self.name}")

    def processor_s(self) -> float:
        """Processor seconds used so far."""
        return processor_s(self.process.pid)

    def refresh_tokens(self) -> None:
        """Signs the owners in, unless they did a short while ago."""
        if time.monotonic() - self._signed_in_at > TOKEN_LIFE_S or not self.tokens:
            self.tokens = self.sign_in_owners()
            self._signed_in_at = time.monotonic()

    def sign_in_owners(self) -> list[str]:
        """Access tokens of the owners, by business."""
        raise NotImplementedError
