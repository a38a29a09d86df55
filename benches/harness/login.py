"""The row "login": on servers of its own, where one password hash takes both sides the same processor time."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from .load import Figures, Numbers, Request, drive_enough, quotient
from .pawbase import Pawbase
from .pocketbase import PocketBase
from .runner import Cell, Plan, Results

ACCOUNTS = 50
SAMPLES = 40
# Pawbase's defaults (config.toml, section auth).
DEFAULT_MEMORY_KB = 19_456
ITERATIONS = 2
# PocketBase's bcrypt cost, its default.
BCRYPT_COST = 10


@dataclass(frozen=True)
class Cost:
    """What one sign-in takes of the processor, hash and all, asked one at a time."""

    pocketbase_ms: float
    default_ms: float
    equal_ms: float
    memory_kb: int

    def describe(self) -> str:
        """In words."""
        return (f"One sign-in takes {self.pocketbase_ms:.1f} ms of processor time in PocketBase (bcrypt, cost {BCRYPT_COST}, its "
                f"default). In Pawbase it takes {self.default_ms:.1f} ms with the default (argon2id, {DEFAULT_MEMORY_KB} KB, "
                f"{ITERATIONS} passes), and {self.equal_ms:.1f} ms with {self.memory_kb} KB, which is what the row uses.")


def _accounts(server) -> list[Request]:
    """Accounts of customers, and requests to sign them in."""
    requests = []
    for at in range(ACCOUNTS):
        email = f"customer{at}@shop.example"
        server.sign_up(email, f"Customer {at}")
        requests.append(Request(*server.login(email)))
    return requests


def _cost_ms(server, requests: list[Request]) -> float:
    status = 200
    for request in requests[:3]:
        server.client.want(status, request.method, request.path, request.body)
    before = server.processor_s()
    for at in range(SAMPLES):
        request = requests[at % len(requests)]
        server.client.want(status, request.method, request.path, request.body)
    return (server.processor_s() - before) / SAMPLES * 1e3


def _pawbase(binary: Path, folder: Path, memory_kb: int) -> Pawbase:
    data = folder / f"pawbase-{memory_kb}"
    return Pawbase(binary, data, {"PAWBASE_AUTH__ARGON2_MEMORY_KB": str(memory_kb),
                                  "PAWBASE_AUTH__ARGON2_ITERATIONS": str(ITERATIONS)})


def measure(pawbase: Path, pocketbase: Path, schemas: Path, folder: Path, plan: Plan,
            say: Callable[[str], None]) -> tuple[Results, list[str], Cost]:
    """Finds the equal cost, then runs the row; answers figures, problems and the cost."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    peer = PocketBase(pocketbase, folder / "pocketbase", schemas)
    first = _pawbase(pawbase, folder, DEFAULT_MEMORY_KB)
    ours = None
    try:
        peer.prepare()
        peer.start()
        theirs = _accounts(peer)
        first.start()
        default_ms = _cost_ms(first, _accounts(first))
        first.stop()
        pocketbase_ms = _cost_ms(peer, theirs)
        memory_kb = max(1024, round(DEFAULT_MEMORY_KB * pocketbase_ms / default_ms / 64) * 64)
        ours = _pawbase(pawbase, folder, memory_kb)
        ours.start()
        own = _accounts(ours)
        cost = Cost(pocketbase_ms, default_ms, _cost_ms(ours, own), memory_kb)
        say(cost.describe())
        return *_rounds([(ours, own), (peer, theirs)], plan, say), cost
    finally:
        for server in (peer, first, ours):
            if server:
                server.stop()


def _rounds(sides: list[tuple], plan: Plan, say: Callable[[str], None]) -> tuple[Results, list[str]]:
    results: Results = {Cell("login", "guest", clients): {server.name: [] for server, _ in sides} for clients in plan.clients}
    problems: list[str] = []
    numbers = Numbers()
    for round in range(plan.rounds):
        for cell, figures in results.items():
            for server, requests in sides if round % 2 == 0 else sides[::-1]:
                run: Figures = drive_enough(server, requests, cell.clients, plan.seconds, numbers)
                figures[server.name].append(run)
                if run.failed:
                    problems.append(f"login at {cell.clients}: {server.name}: {run.failed} of {run.requests} requests failed")
            ours, theirs = (figures[server.name][-1] for server, _ in sides)
            say(f"  login        guest {cell.clients:>3} clients, round {round + 1}: {ours.rate:>8.1f} /s {theirs.rate:>8.1f} /s "
                f" ratio {quotient(ours.rate, theirs.rate):>6.2f}")
    return results, problems
