"""What the figures say: intervals, stability, break-even, decisions, verdicts. Reads records; knows no worker.

May import records, truth, cases, backends (what they cannot do), support.
"""
