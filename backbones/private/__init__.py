"""What is used of other libraries beyond what they document: each part, and the only code that touches it.

`parts.py` has the table of them, and the versions of the libraries that they were checked for; the other files, one a
subject, are where `backbones` and `benchmark` come for them.
"""
