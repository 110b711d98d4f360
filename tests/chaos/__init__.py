"""The proof: crashes, cuts and a misbehaving provider, and every email counted at the end.

`make chaos` or `python -m tests.chaos --help`. `plan.py` says what is done to whom and when,
`run.py` does it, `checker.py` compares what had to be sent with what was.
"""
