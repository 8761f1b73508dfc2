"""What one iteration consists of: the operations that a framework dispatches, and the code that a compiler made of it.

May import support. A file that is named for a framework imports it, inside functions; the others read text.
"""
