"""One module a revision, named by date and subject."""
