"""Reading lists of patients as people really upload them: from bytes to rows, columns and cells.

Pure: no Django, no database, no clock. The importer streams a file through `rows.open_rows` with the `dialect.Dialect`
that `preview.examine` guessed or a person chose, and reads each cell by what `columns` says the column is.
"""
