"""Measurements, each of which prints ratios taken in one run."""
