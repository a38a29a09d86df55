"""Runs rows on both sides: checks the answers first, then drives the sides in alternation, several rounds."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from typing import Callable

from .load import Figures, Nothing, Numbers, Request, drive, drive_enough, quotient
from .rows import DEEP_PAGE, DEEP_PAGES, PAGE, Row, Side, doom
from .server import Failure

CHECKED = 5
# Deletions a second, before anything is known about a side.
FIRST_GUESS = 1500


@dataclass(frozen=True)
class Cell:
    """A place in the table: what the figures of several rounds belong to."""

    row: str
    caller: str
    clients: int


@dataclass(frozen=True)
class Plan:
    """How much is run."""

    rounds: int
    seconds: int
    warm_up_s: int
    clients: tuple[int, ...]
    callers: tuple[str, ...]


# Figures of all rounds, by cell and side.
Results = dict[Cell, dict[str, list[Figures]]]


class Runner:
    """Two sides and what was measured on them."""

    def __init__(self, sides: list[Side], plan: Plan, say: Callable[[str], None]):
        self.sides = sides
        self.plan = plan
        self.say = say
        self.results: Results = defaultdict(lambda: defaultdict(list))
        self.problems: list[str] = []
        self.numbers = Numbers()
        self._guess = {side.server.name: FIRST_GUESS for side in sides}
        self._has_etag: dict[tuple[str, str], bool] = {}

    def run(self, rows: list[Row]) -> None:
        """All rounds of these rows. A row that cannot be compared is a problem, and the others go on."""
        wanted = [(row, caller) for row in rows for caller in self._callers(row)]
        sound = [(row, caller) for row, caller in wanted if self._is_sound(row, caller)]
        for round in range(self.plan.rounds):
            for row, caller in sound:
                for clients in self.plan.clients:
                    self._measure(row, caller, clients, round)

    def _is_sound(self, row: Row, caller: str) -> bool:
        try:
            self._check(row, caller)
        except Failure as failure:
            self.problems.append(f"{row.name} as {caller} is left out: {failure}")
            self.say(f"  {self.problems[-1]}")
            return False
        return True

    def _callers(self, row: Row) -> list[str]:
        return [caller for caller in row.callers if caller in self.plan.callers or row.group == "cached"]

    def _requests(self, row: Row, caller: str, side: Side, seed: int) -> list[Request]:
        """The same on both sides, because the seed is."""
        side.server.refresh_tokens()
        return row.prepare(side, caller == "user", random.Random(f"{row.name} {caller} {seed}"))

    def _check(self, row: Row, caller: str) -> None:
        """Asks both sides the same, and compares."""
        seen = []
        for side in self.sides:
            if row.name == "delete":
                doom(side, CHECKED, random.Random(0), self.numbers.take)
            if row.name == "page_1000":
                side.server.refresh_tokens()
                token = side.token(caller == "user", 0)
                side.cursors[caller == "user"] = side.server.page_cursors(PAGE, DEEP_PAGE, DEEP_PAGES, token)
            requests = self._requests(row, caller, side, -1)[:CHECKED]
            if row.name == "delete":
                side.doomed = side.doomed[CHECKED:]
            essences = []
            for request in requests:
                status, headers, answer = side.ask(self.numbers.fill(request))
                essences.append(row.essence(side, status, answer))
                if request.etag and status != 304:
                    self.problems.append(f"{row.name}: {side.server.name} sent an ETag but answers {status} to it")
            seen.append(essences)
            self._has_etag[row.name, side.server.name] = bool(requests[0].etag)
        if seen.count(seen[0]) != len(seen):
            raise Failure(f"{row.name} as {caller}: the sides do not agree: {str(seen)[:2000]}")

    def _measure(self, row: Row, caller: str, clients: int, round: int) -> None:
        sides = self.sides if round % 2 == 0 else self.sides[::-1]
        for side in sides:
            is_first = round == 0 and clients == self.plan.clients[0]
            if row.name == "delete":
                figures = self._drive_deletes(row, caller, clients, side, round)
            else:
                if is_first and self.plan.warm_up_s:
                    self._warm_up(row, caller, clients, side)
                requests = self._requests(row, caller, side, round)
                figures = self._counted(row, clients, side, round, lambda: drive_enough(
                    side.server, requests, clients, self.plan.seconds, self.numbers))
            self._note(Cell(row.name, caller, clients), side, figures)
        self._tell(Cell(row.name, caller, clients), round)

    def _warm_up(self, row: Row, caller: str, clients: int, side: Side) -> None:
        try:
            drive(side.server, self._requests(row, caller, side, -2), clients, self.plan.warm_up_s, self.numbers)
        except Nothing:
            pass

    def _drive_deletes(self, row: Row, caller: str, clients: int, side: Side, round: int) -> Figures:
        """Each product can be deleted once: makes enough of them first, and more if they were not enough."""
        name, seconds = side.server.name, self.plan.seconds
        while True:
            side.server.refresh_tokens()
            doom(side, self._guess[name] * seconds, random.Random(round), self.numbers.take)
            requests = self._requests(row, caller, side, round)
            figures = self._counted(row, clients, side, round, lambda: drive(
                side.server, requests, clients, seconds, self.numbers))
            was_enough = figures.sent <= len(side.doomed)
            side.doomed = side.doomed[figures.sent:]
            if was_enough:
                return figures
            self._guess[name] = max(self._guess[name] * 2, int(figures.rate * 1.3))

    def _counted(self, row: Row, clients: int, side: Side, round: int, work: Callable[[], Figures]) -> Figures:
        """In the first round, sees whether the number of products changed by what was answered."""
        if not row.adds or round:
            return work()
        before, sent_before = side.server.count(), self.numbers.sent
        figures = work()
        change = side.server.count() - before
        sent = self.numbers.sent - sent_before
        least = figures.requests - figures.status
        # One that was still under way at the end may have had its effect; one that failed with an answer had none.
        if not least <= change / row.adds <= sent:
            self.problems.append(f"{row.name} at {clients}: {side.server.name} answered {least} of {sent} requests well, but the "
                                 f"number of products changed by {change}")
        return figures

    def _note(self, cell: Cell, side: Side, figures: Figures) -> None:
        self.results[cell][side.server.name].append(figures)
        if figures.failed:
            kinds = {kind: getattr(figures, kind) for kind in ("status", "connect", "read", "write", "timeout")}
            told = ", ".join(f"{kind} {count}" for kind, count in kinds.items() if count)
            self.problems.append(f"{cell.row} as {cell.caller} at {cell.clients}: {side.server.name}: {figures.failed} of "
                                 f"{figures.requests} requests failed ({told})")

    def _tell(self, cell: Cell, round: int) -> None:
        ours, theirs = (self.results[cell][side.server.name][-1] for side in self.sides)
        self.say(f"  {cell.row:<12} {cell.caller:<5} {cell.clients:>3} clients, round {round + 1}: "
                 f"{ours.rate:>8.0f} /s {theirs.rate:>8.0f} /s  ratio {quotient(ours.rate, theirs.rate):>6.2f}   "
                 f"p99 {ours.p99_ms:>8.2f} {theirs.p99_ms:>8.2f} ms   processor {ours.processor_us:>7.0f} "
                 f"{theirs.processor_us:>7.0f} us")

    def lacks_etag(self, row: str) -> list[str]:
        """Sides whose answers carry no ETag in a row that asks with one."""
        return [side.server.name for side in self.sides if not self._has_etag.get((row, side.server.name), True)]
