"""What a promotion must satisfy: YAML text becomes a frozen Policy, or a list of mistakes that a person can act on.

Values in, values out. Only `load.load_policy` reads a file; everything else works on text that it is given.
"""
