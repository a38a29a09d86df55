"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import time
from pathlib import Path


def _said(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
        return (done.stdout or done.stderr).strip().splitlines()[0]
    except (OSError, IndexError, subprocess.TimeoutExpired):
        return "unknown"


def _line(file: str, start: str) -> str:
    for line in Path(file).read_text().splitlines():
        if line.startswith(start):
            return line.split(":", 1)[1].strip()
    return "unknown"


def _fsync_ms(folder: Path) -> float:
    """Median time to make a small write durable."""
    file, times = folder / "fsync", []
    with open(file, "wb") as out:
        for _ in range(200):
            out.write(b"x" * 4096)
            out.flush()
            began = time.perf_counter()
            os.fsync(out.fileno())
            times.append(time.perf_counter() - began)
    file.unlink()
    return statistics.median(times) * 1e3


def describe(pawbase: Path, pocketbase: Path, folder: Path) -> list[str]:
    """The machine and the programs, a line each."""
    memory_gb = int(_line("/proc/meminfo", "MemTotal").split()[0]) * 1024 / 1e9
    commit = _said("git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty")
    return [
        f"{_line('/proc/cpuinfo', 'model name')}, {len(os.sched_getaffinity(0))} cores, {memory_gb:.0f} GB of memory, "
        f"{platform.system()} {platform.release()}",
        f"files on {_said('stat', '-f', '-c', '%T', str(folder))}; a small write made durable (fsync) takes "
        f"{_fsync_ms(folder):.2f} ms",
        f"{_said(str(pawbase), 'version')}, commit {commit}, binary {pawbase.stat().st_size / 1e6:.1f} MB",
        f"{_said(str(pocketbase), '--version')}, binary {pocketbase.stat().st_size / 1e6:.1f} MB",
        _said("wrk", "-v").split(" Copyright")[0],
        time.strftime("%Y-%m-%d", time.gmtime()),
    ]
