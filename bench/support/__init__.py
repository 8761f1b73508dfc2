"""Tools that know nothing of fits: errors, words of a command line, files, the system. Imports no other room."""
