"""What is measured: each subject reads replies in one way, in a process of its own that is kept alive.

    python -m benchmarks.subjects NAME [BACKEND]     reads one command a line, writes one result a line

A command is `{"case": {...}, "url": "...", "ca": "..."}`; see `session`.
"""
