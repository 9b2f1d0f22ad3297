"""Try the engine on a store that has no manifest, in a process of its own.

After a kill nothing vouches for the engine's files. Damaged ones can make it ask for all memory or fill the disk, abort
the process or never return. If that happens here, it happens to a process that is expendable.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import qdrant_edge as qe

from autoenc.errors import StoreError
from autoenc.store.space import allocated_bytes

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

SECONDS = 30
"""How long the trial may take, and a second more for every `BYTES_PER_SECOND` of the store."""

BYTES_PER_SECOND = 10 * 2**20
_MOST = 2**30  # bytes of memory, or of a file, and four times the store: far more than the engine needs
_TOO_LARGE = 3  # exit code
_PAGE = 1000


def try_out(shard: Path, name: str) -> None:
    """Open the engine in another process, read every point there, and close it again.

    Args:
        shard: the engine's folder, which no process has open.
        name: of the collection, for the message.

    Raises:
        StoreError: the process was aborted or did not end in time. What the engine refuses by itself is left to the
            caller, who will be told when opening it.
    """
    size = allocated_bytes(shard)
    command = [sys.executable, "-m", "autoenc.store.probe", str(shard), str(_MOST + 4 * size)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS + size / BYTES_PER_SECOND,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _damaged(name, f"reading them takes longer than {error.timeout:.0f} s") from None
    except OSError:  # no process can be started here: the engine is opened untried
        return
    if done.returncode < 0:
        raise _damaged(name, f"the engine was aborted by signal {-done.returncode} when it read them")
    if done.returncode == _TOO_LARGE:
        raise _damaged(name, "reading them takes far more memory than their size explains")


def _damaged(name: str, reason: str) -> StoreError:
    return StoreError(
        f"The files of {name} were not closed properly, and are damaged: {reason}. Restore the store from a backup, or "
        f"index into a new one."
    )


def _read_everything(shard: Path) -> None:
    engine = qe.EdgeShard.load(str(shard))
    engine.count(qe.CountRequest(exact=True))
    for field in engine.info().payload_schema:
        engine.facet(qe.FacetRequest(field, limit=1, exact=True))
    offset: qe.PointId | None = None
    while True:
        _, offset = engine.scroll(qe.ScrollRequest(offset=offset, limit=_PAGE, with_payload=True, with_vector=True))
        if offset is None:
            break
    engine.close()


def _main(shard: str, most: str) -> int:
    if resource is None:
        _read_everything(Path(shard))
        return 0
    # Files as well: the engine makes them as large as a damaged one says.
    for kind, limit in (
        (resource.RLIMIT_DATA, int(most)),
        (resource.RLIMIT_FSIZE, int(most)),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        lower = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (lower, lower))
    try:
        _read_everything(Path(shard))
    except MemoryError:
        return _TOO_LARGE
    return _TOO_LARGE if _peak() > int(most) else 0


def _peak() -> int:
    """The most memory that this process took, in bytes, mapped files included; 0 where the system does not tell.

    It is not `ru_maxrss`, which on Linux counts what the process took that started this one.
    """
    try:
        lines = Path("/proc/self/status").read_text("ascii").splitlines()
    except OSError:
        return 0
    return 1024 * next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
