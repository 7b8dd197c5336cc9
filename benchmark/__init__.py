"""The sweep, in the order data flows: suite, trials, records, features, adapters, predictions, scores."""
