"""The load: wrk with prepared requests, the same way for both sides. One client thread; `clients` connections."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from .server import Failure, Server

# Stands in a prepared request for a number that no other request has; see requests.lua. As a JSON string of its own it
# becomes a JSON number.
NUMBER = "##########"
TIMEOUT_S = 30
# A run with fewer answers than this for each client says little, because of those under way at its end: it is made
# again, longer, but never longer than that.
ANSWERS_PER_CLIENT = 3
LONGEST_S = 30
# Ten digits, so that no number begins with 0.
FIRST_NUMBER = 1_000_000_000

_SCRIPT = Path(__file__).resolve().parent.parent / "requests.lua"


@dataclass(frozen=True)
class Request:
    """A prepared request."""

    method: str
    path: str
    body: dict | None = None
    token: str | None = None
    etag: str | None = None

    def bytes(self, port: int) -> bytes:
        """As HTTP."""
        head = [f"{self.method} {self.path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
        if self.token:
            head.append(f"Authorization: Bearer {self.token}")
        if self.etag:
            head.append(f"If-None-Match: {self.etag}")
        data = b""
        if self.body is not None:
            data = json.dumps(self.body, separators=(",", ":")).replace(f'"{NUMBER}"', NUMBER).encode()
            head += ["Content-Type: application/json", f"Content-Length: {len(data)}"]
        return ("\r\n".join(head) + "\r\n\r\n").encode() + data


@dataclass(frozen=True)
class Figures:
    """What one run of the load showed."""

    requests: int
    seconds: float
    bytes: int
    sent: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    # Answers of 400 and above, and what did not get as far as an answer.
    status: int
    connect: int
    read: int
    write: int
    timeout: int
    # Processor time of the server for one request, which other work on the machine disturbs least.
    processor_us: float
    memory_mb: float

    @property
    def rate(self) -> float:
        """Requests per second that were answered well."""
        return (self.requests - self.status) / self.seconds

    @property
    def failed(self) -> int:
        """Requests without the answer they should have."""
        return self.status + self.connect + self.read + self.write + self.timeout


def quotient(ours: float, theirs: float) -> float:
    """How many times theirs ours is."""
    return ours / theirs if theirs else float("inf") if ours else 0.0


class Numbers:
    """Numbers for the marks in requests; none is given out twice in a run of the benchmark."""

    def __init__(self):
        self.next = FIRST_NUMBER
        # Requests that the load script has sent so far.
        self.sent = 0

    def used(self, requests: int, marks: int) -> None:
        """Notes that so many requests with so many marks each were sent."""
        self.sent += requests
        self.next += requests * marks

    def take(self) -> int:
        """One number."""
        self.next += 1
        return self.next - 1

    def fill(self, request: Request) -> Request:
        """The request with its marks filled in, as the load script does it."""
        text = json.dumps(request.body).replace(f'"{NUMBER}"', NUMBER)
        return replace(request, body=json.loads(re.sub(NUMBER, lambda _: str(self.take()), text)))


class Nothing(Failure):
    """Not one answer in the time of a run."""


def drive_enough(server: Server, requests: list[Request], clients: int, seconds: int, numbers: Numbers) -> Figures:
    """Like `drive`, but longer for requests that take long."""
    try:
        figures = drive(server, requests, clients, seconds, numbers)
        answered = figures.requests
    except Nothing:
        answered = 0
    wanted = ANSWERS_PER_CLIENT * clients
    if answered < wanted and seconds < LONGEST_S:
        longer = LONGEST_S if not answered else min(LONGEST_S, seconds * wanted * 5 // (answered * 4) + 1)
        return drive(server, requests, clients, longer, numbers)
    return figures


def drive(server: Server, requests: list[Request], clients: int, seconds: int, numbers: Numbers) -> Figures:
    """Sends the requests in turn for `seconds` from `clients` connections."""
    file = server.data.parent / f"{server.name}.requests"
    with open(file, "wb") as out:
        for request in requests:
            text = request.bytes(server.port)
            out.write(f"{len(text)}\n".encode() + text)
    before = server.processor_s()
    done = subprocess.run(
        ["wrk", "--threads", "1", "--connections", str(clients), "--duration", f"{seconds}s", "--timeout", f"{TIMEOUT_S}s",
         "--script", str(_SCRIPT), f"http://127.0.0.1:{server.port}", "--", str(file), str(numbers.next)],
        capture_output=True, text=True)
    used = server.processor_s() - before
    found = re.search(r"^FIGURES (.*)$", done.stdout, re.MULTILINE)
    if done.returncode or not found:
        raise Failure(f"wrk against {server.name}: {done.stdout}{done.stderr}")
    figures = json.loads(found.group(1))
    numbers.used(figures["sent"], requests[0].bytes(server.port).count(NUMBER.encode()))
    if not figures["requests"]:
        raise Nothing(f"{server.name} answered nothing in {seconds} s: {requests[0].method} {requests[0].path}")
    return Figures(**figures, processor_us=used / figures["requests"] * 1e6, memory_mb=server.memory_mb())
