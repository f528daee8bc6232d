"""What a person runs: one file a command, collected in `lingym.scripts.cli`."""
