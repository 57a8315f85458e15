"""Reader of the subjects of the columns of a list, by the words of their names and by their first cells.

`headers` finds the row that names the columns. `words` splits a name into words with the meanings of `vocabulary`, and `names`
combines these into one meaning. `samples` describes the first cells of a column. `reading` decides from both what a column is, how
sure that is and why, and which question the user has to answer.
"""
