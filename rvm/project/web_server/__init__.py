"""The web server: gunicorn with threads, which take a request only once it is there, so that slow clients hold none.

gunicorn -c python:rvm.project.web_server.configuration rvm.project.wsgi
"""
