"""The instances' networks, as one tier tells another of them."""
