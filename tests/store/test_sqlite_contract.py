from __future__ import annotations

from tests.store.contract_suite import StoreContract


class TestSqlite(StoreContract):
    pass
