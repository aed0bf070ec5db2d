"""What is released: the wheel and the sdist, built and tried in clean environments. `make release-check`."""
