"""Run the shop for real and show what its signals did: `python -m examples.shop.demo`."""
