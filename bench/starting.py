"""Cold start: how long `import function_app` takes beside `import azure.functions` alone, each in a fresh process."""

import subprocess
import sys
from statistics import median

_CODE = "import time; t = time.perf_counter(); import {0}; print(time.perf_counter() - t)"


def import_seconds(module: str, *, runs: int = 11) -> float:
    """Give the median of several fresh processes, after one that only warms the caches up."""
    times = [
        float(subprocess.run([sys.executable, "-c", _CODE.format(module)], capture_output=True, check=True).stdout)
        for _ in range(runs + 1)
    ]
    return median(times[1:])
