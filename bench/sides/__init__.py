"""Where it runs: a side is an interpreter, a checkout and variables. May import records, backends, cases, support."""
