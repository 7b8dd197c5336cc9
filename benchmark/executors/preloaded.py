"""What workers have imported when they begin: the process that they are forked from imports this module, once.

To import torch, transformers and peft takes each process five to ten processor seconds, so a sweep's workers do it
together. That process has no threads and makes no computation, which is what makes forking it safe; it ends with the
sweep's, however that ends, and takes the workers along.
"""

import gc
import signal
from contextlib import suppress

from benchmark.executors.execute import quiet
from metrics.text.tied import end_by_system

end_by_system()
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the sweep answers for all
# What goes wrong, as for want of memory, goes wrong in the workers too, which say so.
with suppress(ImportError, MemoryError, OSError, RuntimeError):
    quiet()
# Objects that no worker will look at for garbage stay in memory that all of them share.
gc.freeze()
