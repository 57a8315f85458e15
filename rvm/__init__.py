"""The platform's two rooms, kept apart.

`rvm.platform` is workspaces, people, keys, crypto, API plumbing, audit, embedded services. It knows no other package.
`rvm.project` is settings, URLs, WSGI and the commands that compose all layers. No package imports it.
"""
