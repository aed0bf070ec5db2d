"""The manual is true: its examples run, its tables name what the code has, its links lead somewhere."""
