"""The lab of ``dialer.hearing``: corpora from speech synthesisers, the judges on them, a confusion table."""
