"""The simulator's commands where nothing is simulated."""

import pytest

from tests.support.cloud import ApiFailure


def test_without_a_simulated_host_there_is_nothing_to_configure(empty_cloud):
    with pytest.raises(ApiFailure, match="no simulated host") as failure:
        empty_cloud.admin("configureSimulator", name="StartCommand", value="result:fail")
    assert failure.value.code == 530
