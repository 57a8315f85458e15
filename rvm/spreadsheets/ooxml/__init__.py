"""Excel workbooks (ECMA-376, transitional and strict) from their bytes to rows of shown text, with the standard library alone.

It runs in a child process, which `rvm.spreadsheets.workbooks` starts, so a hostile file can harm only that process. Each module also
bounds its memory, so that the user gets the reason of a refusal and not only that the process ended.
"""
