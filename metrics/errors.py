"""The error of a metric that can't be computed on this machine."""


class MetricUnavailable(Exception):
    """A metric could not be computed: a program it needs is missing, failed or did not answer in time."""

    exit_code = 1
