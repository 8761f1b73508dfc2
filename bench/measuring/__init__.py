"""A run: cases of a group in turns, when rounds end, its journal, the runs beside it. May import all but reporting."""
