"""The names of the controls, which are short fixed computations that show the state of the machine in a turn.

Machines slow down in several ways: in whatever a core does, or in the memory that it shares with its neighbours. A
name ends with a number, which goes up whenever the computation of it changes: seconds of one name can be compared.
"""

# What one core does: running Python, calling NumPy on little, adding up what its cache holds, running through much
# code of libraries, and through much data of the interpreter, calling the system.
CORE = ("interpreter-1", "small-arrays-1", "vector-1", "library-1", "functions-1", "system-1")
MEMORY = ("stream-1", "gather-1")  # reading in order, and here and there, what no cache of a core holds
CONTROLS = (*CORE, *MEMORY)
FIRST = "yardstick-1"  # the one control of runs before schema 3: half interpreter, half vector
