"""One request up to its commit: its rounds over the candidates, its attempts, its ledger."""
