"""Results on disk: a folder per trial, what is checked of it, what follows from it, and its upkeep."""
