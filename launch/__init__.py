"""Commands: each turns flags into a frozen configuration and makes one call. Nothing imports this.

`./run NAME` starts `launch/NAME.py`; `common/` has the code that they share.
"""
