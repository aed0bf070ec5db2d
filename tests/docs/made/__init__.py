"""Parts of the manual that are made by running the code. `python -m tests.docs.made` fills them in."""
