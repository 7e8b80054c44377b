from __future__ import annotations

from tests.store.contract.suite import StoreContract


class TestSqlite(StoreContract):
    pass
