"""The comparison of ways to train: a study file in, cells of work, a table, verdicts, a report."""
