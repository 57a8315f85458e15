"""The plainest project that keeps voicemails behind an API: what Django and Django REST framework suggest, and nothing else.

It has a table with the columns and indexes of the platform's, and neither encryption nor guards, suppressions, references or limits.
"""
