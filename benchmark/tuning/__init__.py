"""From records to adapters to predictions: one protocol for every backbone."""
