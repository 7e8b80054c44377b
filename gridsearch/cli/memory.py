"""Memory of commands that go through very many rows: what one part of the program gives back, another may take."""


def share_the_heap() -> None:
    """Have text columns live where all else does, and not in a heap of Arrow's own, which keeps what it once had.

    A page of 100,000 trials takes 480 MB so, and not 540.
    """
    import pyarrow as pa

    pa.set_memory_pool(pa.system_memory_pool())
