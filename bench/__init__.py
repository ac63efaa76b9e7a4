"""How fast it is, and how much it costs: `python -m bench`, or `make bench`."""
