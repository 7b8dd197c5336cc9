"""Files of any kind: written whole or not at all, known by what they hold, and what a disk can do wrong."""
