"""The benchmarks; run them with `make bench`."""
