"""What readers see: frames, tables, units, pictures, the report. Knows no worker and no framework.

May import statistics, records, truth, cases, backends (their names and order), support.
"""
