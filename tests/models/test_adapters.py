"""The contract that adapters keep, ours and others', and the registry that finds them."""

import pytest

from infomerge.models import SUPPORTED, check_adapter


@pytest.mark.parametrize("name", SUPPORTED)
def test_every_adapter_keeps_the_contract(name: str) -> None:
    assert len(check_adapter(name)) == 10
