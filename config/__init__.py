"""What operators edit: the schema of the configuration, its loader and its errors.

``config.loader.load`` is the entry. Knows nothing of the engine, of sockets or of databases.
"""
