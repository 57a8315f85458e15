"""Reading of lists of people as users upload them: from bytes to rows, columns and cells.

Pure: no Django, no database, no clock. The importer streams a file through `rows.open_rows` with the `dialect.Dialect`
that `preview.examine` guessed or a user chose, and reads each cell by the kind that `columns` has found for its column.
"""
