"""The settings of gunicorn, for `make up` and for production; the command line says where it listens and how many there are.

Nothing here reads Django's settings: gunicorn's parent process has none.
"""

from __future__ import annotations

worker_class = "rvm.project.web_server.worker.ReceivingWorker"
workers = 3
threads = 4
# Connections of one process, most of which wait for their client. The limit of open files is often 1,024.
worker_connections = 900
# A proxy's idle connections are closed by the proxy, which has to be sooner (deploy/).
keepalive = 75
graceful_timeout = 30
# Its path is one for all installations of an account, and whoever writes to it controls the server.
control_socket_disable = True
