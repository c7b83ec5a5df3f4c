"""Compiled modules are kept, even where Python is told to write none beside the sources: in a folder of the virtual environment then.

The tests start a hundred processes, and each would spend two seconds on compiling what it imports. To import this is to ask for it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
    sys.dont_write_bytecode = False
    sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = str(Path(sys.prefix) / "pycache")
