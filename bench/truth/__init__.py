"""What is right: the problem, its exact trajectory, the bound on rounding, the check of a fit. Knows no backend.

May import cases (the case alone) and support.
"""
