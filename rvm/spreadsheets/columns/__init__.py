"""What the columns of a list of people are about: by their names' words, by what stands in their cells, or by what somebody said.

`words` takes a name apart into concepts of `vocabulary`, `names` says what these mean together, `samples` what the first cells look
like, `reading` what a column is taken for, how surely and why, and what has to be asked; `headers` finds the row that names them.
"""
