"""Before torch is imported: tiny models on one thread. On more, each of their many small
products waits for every thread, and beside other tests that takes a hundred times as long."""

import os

os.environ["OMP_NUM_THREADS"] = "1"
