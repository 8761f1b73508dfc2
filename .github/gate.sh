#!/usr/bin/env bash
# The A/B gate for CI: what is slower fails the job, what is undecided is a warning, and the table is the job's summary.
# The options are those of bench.ab.
set -uo pipefail
.venv/bin/python -m bench.ab --format markdown "$@" | tee -a "${GITHUB_STEP_SUMMARY:-/dev/null}"
status=${PIPESTATUS[0]}
case "$status" in
    0 | 1 | 2) exit "$status" ;;
    3)
        echo "::warning::no case is slower, but some are undecided or were not compared: give --processes more, or read the table"
        exit 0
        ;;
    *)
        echo "::error::the gate ended with exit code $status, which is no verdict: read its log"
        exit "$status"
        ;;
esac
