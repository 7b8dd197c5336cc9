"""The door of amrg for other packages: what a backbone's own package tests itself with is in `amrg.testing`."""
