"""Excel workbooks (ECMA-376, transitional and strict) from their bytes to rows of shown text, with the standard library alone.

It runs in a child process, which `rvm.spreadsheets.workbooks` starts: whatever a file does to it ends there. Still every module
bounds what it holds, so that a person hears why a file is refused instead of only that it was.
"""
