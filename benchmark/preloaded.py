"""What workers have imported when they begin: the process that they are forked from imports this module, once.

To import torch, transformers and peft takes each process five to ten processor seconds, so a sweep's workers do it
together. That process has no threads and makes no computation, which is what makes forking it safe; it ends with the
sweep's, however that ends, and takes the workers along.
"""

import gc
import signal

from benchmark.execute import quiet
from metrics.text.tied import end_by_system

end_by_system()
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the sweep answers for all
quiet()
# Objects that no worker will look at for garbage stay in memory that all of them share.
gc.freeze()
