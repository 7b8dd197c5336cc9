"""Many adapters on one frozen base: trained, and written with, at the same time.

A pack is, in these files, what goes through the model at the same time; in `benchmark.pack` it is all that a process
runs of a backbone, of which an engine may make several such packs, one after another.
"""
