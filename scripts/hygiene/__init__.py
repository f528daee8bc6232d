"""What is wrong with labelled files, and files without it."""
