"""The store in one SQLite file, for one machine: any number of threads and local processes share it."""
