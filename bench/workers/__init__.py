"""The processes that are measured: what is said to them, their side, our side, the pool of them, their caches.

May import sides, records, truth, cases, backends, support. What the child imports (protocol, serving, fit) needs NumPy
and psutil alone.
"""
