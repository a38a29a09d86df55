"""The tables, for people: on the terminal and in RESULTS.md."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from pathlib import Path

from .load import Figures, quotient
from .rows import ROWS, Row
from .runner import Cell, Results

OURS, THEIRS = "Pawbase", "PocketBase"
LOGIN = Row("login", "Login, equal hash cost", "login", lambda *_: [], lambda *_: None, bars=((0, 1.0),))
# Heading of the section that fanout.py writes, the last one of the file.
FANOUT = "## Realtime fan-out"
_ROWS = {row.name: row for row in [*ROWS, LOGIN]}
IDLE_MB, AFTER_MB, START_S, BINARY_MB, PAGE_FACTOR = 120, 400, 1.0, 120, 2.0


@dataclass
class Sized:
    """What was measured with one number of products."""

    size: int
    results: Results
    memory_mb: dict[str, dict[str, float]] = field(default_factory=dict)
    start_s: dict[str, list[float]] = field(default_factory=dict)
    lacking: dict[str, list[str]] = field(default_factory=dict)


def _median(runs: list[Figures], name: str) -> float:
    return statistics.median(getattr(run, name) for run in runs)


def ratio(sides: dict[str, list[Figures]]) -> float:
    """Our median requests per second by theirs."""
    return quotient(_median(sides[OURS], "rate"), _median(sides[THEIRS], "rate"))


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _cells(results: Results) -> list[Cell]:
    order = {name: at for at, name in enumerate(_ROWS)}
    return sorted(results, key=lambda cell: (order[cell.row], cell.caller != "user", cell.clients))


def table(sized: Sized) -> list[str]:
    """A line for each row, caller and number of clients."""
    lines = [
        "| What | As | Clients | Pawbase /s | PocketBase /s | Ratio (rounds) | Wanted | p50 ms | p99 ms | Processor us/request |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for cell in _cells(sized.results):
        sides, row = sized.results[cell], _ROWS[cell.row]
        each = [quotient(ours.rate, theirs.rate) for ours, theirs in zip(sides[OURS], sides[THEIRS])]
        spread = f" ({min(each):.2f}–{max(each):.2f})" if len(each) > 1 else ""
        found, wanted = ratio(sides), row.bar(cell.clients)
        mark = "" if found >= wanted else " **missed**"
        pairs = [" / ".join(_number(_median(sides[side], name)) for side in (OURS, THEIRS))
                 for name in ("p50_ms", "p99_ms", "processor_us")]
        lines.append(
            f"| {row.title} | {cell.caller} | {cell.clients} | {_number(_median(sides[OURS], 'rate'))} | "
            f"{_number(_median(sides[THEIRS], 'rate'))} | **{found:.2f}**{spread} | {wanted:g}{mark} | {' | '.join(pairs)} |")
    return lines


def memory(sized: Sized) -> list[str]:
    """Memory of both processes."""
    sides = (OURS, THEIRS)
    return ["| Memory, MB | Pawbase | PocketBase |", "|---|--:|--:|"] + [
        f"| {moment} | " + " | ".join(f"{values[side]:.0f}" for side in sides) + " |"
        for moment, values in sized.memory_mb.items()]


def starts(sized: Sized) -> list[str]:
    """Times to start with everything loaded."""
    return [f"- {side} answers {statistics.median(times):.2f} s after its start (median of {len(times)}, slowest "
            f"{max(times):.2f} s)." for side, times in sized.start_s.items()]


def pages(sized: Sized) -> list[tuple[str, int, float]]:
    """For each caller and number of clients, what page 1,000 costs of page 1 in Pawbase."""
    found = []
    for cell in _cells(sized.results):
        deep = sized.results.get(Cell("page_1000", cell.caller, cell.clients))
        if cell.row == "page_1" and deep:
            first = _median(sized.results[cell][OURS], "rate")
            found.append((cell.caller, cell.clients, quotient(first, _median(deep[OURS], "rate"))))
    return found


def missed(measured: list[Sized], binary_mb: float) -> list[str]:
    """Every bar that does not hold."""
    found = []
    for sized in measured:
        what = f"{sized.size:,} products" if sized.size else "own servers"
        for cell in _cells(sized.results):
            wanted, got = _ROWS[cell.row].bar(cell.clients), ratio(sized.results[cell])
            if got < wanted:
                found.append(f"{what}: {cell.row} as {cell.caller}, {cell.clients} clients: ratio {got:.2f}, wanted {wanted:g}")
        for caller, clients, factor in pages(sized):
            if factor > PAGE_FACTOR:
                found.append(f"{what}: page 1,000 as {caller}, {clients} clients costs {factor:.1f} times page 1, "
                             f"wanted at most {PAGE_FACTOR:g}")
        for moment, most in (("idle, empty", IDLE_MB), ("after the benchmark", AFTER_MB)):
            got = sized.memory_mb.get(moment, {}).get(OURS, 0)
            if got > most:
                found.append(f"{what}: memory {moment}: {got:.0f} MB, wanted under {most}")
        start = statistics.median(sized.start_s.get(OURS, [0]))
        if start > START_S:
            found.append(f"{what}: start {start:.2f} s, wanted under {START_S:g}")
        found += [f"{what}: {row}: {OURS} sends no ETag" for row, sides in sized.lacking.items() if OURS in sides]
    if binary_mb > BINARY_MB:
        found.append(f"binary {binary_mb:.1f} MB, wanted under {BINARY_MB}")
    return found


def tables(measured: list[Sized], login: Sized | None) -> list[str]:
    """Everything that was measured."""
    lines = []
    for sized in measured:
        lines += [f"## {sized.size:,} products", "", *table(sized), "", *memory(sized), ""]
        found = pages(sized)
        if found:
            lines += ["Page 1,000 costs, times page 1: " + ", ".join(
                f"{factor:.2f} ({caller}, {clients} clients)" for caller, clients, factor in found) + ".", ""]
        if sized.start_s:
            lines += [*starts(sized), ""]
    if login:
        lines += ["## Login", "", *table(login), ""]
    return lines


def results_file(machine: list[str], how: str, measured: list[Sized], login: Sized | None, cost: str,
                 missing: list[str], problems: list[str]) -> str:
    """RESULTS.md."""
    def listed(lines: list[str], none: str) -> list[str]:
        return [f"- {line}" for line in lines] or [none]

    lines = ["# Pawbase and PocketBase side by side", "",
             "Written by `python3 benches/peers.py`; [README.md](README.md) says what is compared. Ratios are Pawbase's",
             "median answers a second by PocketBase's, with the lowest and highest round. Pairs: Pawbase / PocketBase.",
             "", *listed(machine, ""), f"- {how}", "",
             "Bars that do not hold:", "", *listed(missing, "None."), "",
             "Requests that failed, or did something else than they said:", "", *listed(problems, "None."), "",
             *tables(measured, login)]
    if cost:
        lines += [cost, ""]
    return "\n".join(lines).rstrip() + "\n"


def fanout_of(file: Path) -> str:
    """The section that fanout.py wrote into a file, if there is one."""
    text = file.read_text() if file.exists() else ""
    at = text.find(FANOUT)
    return text[at:] if at >= 0 else ""


def keep_fanout(file: Path, section: str) -> None:
    """Writes the section into a file in place of the one before."""
    text = file.read_text() if file.exists() else ""
    rest = text.removesuffix(fanout_of(file)).rstrip()
    file.write_text(f"{rest}\n\n{section}".lstrip())
