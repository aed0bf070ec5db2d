"""Beside other libraries: what each does when a provider fails, found by running them.

upstream    the mock service, which misbehaves as the address says, and tells what it saw
scenarios   what is asked of each, and how its outcome reads in a table
peers       each library as its documentation shows it
driving     plays scenarios with one library, in that library's own environment
page        the tables of docs/why/comparison.md, of the record that is kept
"""
