"""Records: a folder in DMID's release layout read, checked, split and decoded; phantoms written as one."""
