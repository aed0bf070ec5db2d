"""The benchmark's own pure parts: statistics, tables, plots, records, the README, the judgement of a soak."""
