"""The sweep, file by file in the order data flows: suite, trials, records, features, adapters, predictions."""
