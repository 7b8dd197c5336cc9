"""Many adapters on one frozen base: trained, and written with, at the same time."""
