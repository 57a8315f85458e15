"""Attestations: statements of people on which live sending rests, because no program can verify them.

`agreements`: the business associate agreement with a carrier. `ownership`: that the organisation owns its sender numbers.
`recordings`: what recordings and clips say. `requirements`: what is asked of a use case before anything is queued.
"""
