"""The platform's two rooms, kept apart.

`rvm.platform` is the ground: workspaces, people, keys, crypto, API plumbing, audit, embedded services. It knows no other package.
`rvm.project` is the roof: settings, URLs, WSGI and the commands that compose all floors. No package imports it.
"""
