"""Bulk over loopback HTTP; `cratehand.servers.http.server.HttpServer` is what others start."""
