"""What the product endures, measured: kills, failing storage, flipped bits, load, a long run.

`make endurance`, or `python -m tests.endurance [--full] [STAGE …]`. See `__main__`.
"""
