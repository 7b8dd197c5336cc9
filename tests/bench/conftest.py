"""Miniatures, and engines that train trials on a handful of pictures."""

from tuning_fixtures import _threads, load, pictures, train  # noqa: F401
