"""What measures the suite itself: its overhead, its error rates, how far runs differ. May import all but commands."""
