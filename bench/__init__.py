"""The one runner: problem -> case -> worker -> record -> report."""
