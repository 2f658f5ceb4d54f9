"""Where the peers' packages lie, apart from the pinned environment that they must not disturb.

`make bench-peers` puts into `.bench-peers/` what requirements/bench.txt adds to the pinned
packages. The folder comes last on the path, so a pinned package always wins.
"""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from bench.peers.base import PeerMissing
from server.settings import ROOT

FOLDER = ROOT / ".bench-peers"


@contextmanager
def importing(name: str) -> Iterator[None]:
    """For the import of a peer. Raises PeerMissing where it is not installed."""
    if FOLDER.is_dir() and str(FOLDER) not in sys.path:
        sys.path.append(str(FOLDER))
    try:
        # What peers say about their own future is no business of this run's.
        with warnings.catch_warnings(action="ignore"):
            yield
    except ImportError as error:
        raise PeerMissing(f"{name} is not installed ({error}); make bench-peers") from error
