#!/usr/bin/env bash
# The A/B gate for CI: what is slower fails the job, what is undecided is a warning. The options are those of bench.ab.
set -uo pipefail
.venv/bin/python -m bench.ab "$@"
status=$?
if [ "$status" -eq 3 ]; then
    echo "::warning::no case is slower, but some are undecided or vanished: give --processes more, or read the table"
    exit 0
fi
exit "$status"
