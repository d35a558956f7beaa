"""Benchmarks: the service's own figures and its peers', in one run. Ratios count, absolute times do not."""
