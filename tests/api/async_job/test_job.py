"""Jobs as clients see them: one by one and listed, their own and others'."""

from __future__ import annotations

import pytest

from cloudapi.jobs import queue
from cloudapi.models.base import now
from cloudapi.models.common import AsyncJob
from cloudapi.services.async_job import job
from tests.support.cloud import ApiFailure
from tests.support.probe import ProbeJob
from tests.support.waiting import until


@pytest.fixture
def admin(bare_cloud):
    if bare_cloud.installation.registry.get("probeJob") is None:
        bare_cloud.installation.registry.add(ProbeJob)
    return bare_cloud.admin


def tagged(client):
    """Return the ID of a job of this client: it tags its own user."""
    return client("createTags", resourcetype="User", resourceids=client.user_id, tags={"job": "1"})["jobid"]


def test_in_progress_and_done(admin, tmp_path):
    (tmp_path / "pause-remote").touch()
    jobid = admin("probeJob", folder=tmp_path)["jobid"]
    until(lambda: (tmp_path / "trace").exists() and "pause-remote" in (tmp_path / "trace").read_text(), "it runs")
    running = admin("queryAsyncJobResult", jobid=jobid)
    assert (running["jobstatus"], running["jobprocstatus"], running["jobresultcode"]) == (0, 1, 0)
    assert "jobresult" not in running
    assert "completed" not in running
    listed = admin.one("listAsyncJobs", keyword="probe")
    assert (listed["jobid"], listed["cmd"], listed["account"]) == (jobid, "probeJob", "admin")
    (tmp_path / "pause-remote").unlink()
    assert admin.wait(jobid) == {"success": True, "displaytext": "reserved 7"}
    ended = admin("queryAsyncJobResult", jobid=jobid)
    assert (ended["jobstatus"], ended["jobprocstatus"], ended["jobresulttype"]) == (1, 0, "object")
    assert ended["completed"] >= ended["created"]
    assert admin.one("listAsyncJobs", keyword="probe")["jobstatus"] == 1, "as in CloudStack, until it is purged"


def test_a_failed_one_has_the_error_as_its_result(admin, tmp_path):
    jobid = admin("probeJob", folder=tmp_path, failing=True)["jobid"]
    with pytest.raises(ApiFailure, match="told to fail"):
        admin.wait(jobid)
    job = admin("queryAsyncJobResult", jobid=jobid)
    assert (job["jobstatus"], job["jobresultcode"]) == (2, 534)
    assert job["jobresult"] == {"errorcode": 534, "cserrorcode": 4380, "errortext": "the probe was told to fail"}


def test_a_failure_of_our_own_hides_the_inside_from_users(bare_cloud, monkeypatch):
    from cloudapi.services.tag import tag

    def broken(*arguments):
        raise RuntimeError("the password is 1234")

    monkeypatch.setattr(tag, "create", broken)
    user = bare_cloud.new_account()
    with pytest.raises(ApiFailure) as caught:
        user.wait(tagged(user))
    assert caught.value.code == 530
    assert "1234" not in caught.value.text
    assert "RuntimeError" not in caught.value.text


def test_by_its_resource(bare_cloud):
    user = bare_cloud.new_account()
    user.job("registerUserKeys", id=user.user_id)
    user = bare_cloud.new_account()
    job = bare_cloud.admin("registerUserKeys", id=user.user_id)
    bare_cloud.admin.wait(job["jobid"])
    found = bare_cloud.admin("queryAsyncJobResult", resourceid=user.user_id, resourcetype="User")
    assert found["jobid"] == job["jobid"], "the latest"
    assert (found["jobinstanceid"], found["jobinstancetype"]) == (user.user_id, "User")
    listed = bare_cloud.admin.list("listAsyncJobs", resourceid=user.user_id, resourcetype="user")
    assert listed[-1]["jobid"] == job["jobid"]
    assert {each["jobinstanceid"] for each in listed} == {user.user_id}
    assert {each["jobstatus"] for each in listed} == {1}
    with pytest.raises(ApiFailure, match="resourceid parameter must be used with resourcetype") as refused:
        bare_cloud.admin("listAsyncJobs", resourceid=user.user_id)
    assert refused.value.code == 431


def test_a_list_shows_secrets_to_who_got_them_alone(bare_cloud):
    user = bare_cloud.new_account()
    keys = user.job("registerUserKeys", id=user.user_id)
    own = user.list("listAsyncJobs", keyword="registerUserKeys")[-1]
    assert own["jobresult"]["userkeys"]["secretkey"] == keys["secretkey"]
    listed = bare_cloud.admin.one("listAsyncJobs", keyword="registerUserKeys", listall=True, account=user.account,
                                  domainid=user.domain_id)
    assert listed["jobid"] == own["jobid"] and listed["jobstatus"] == 1
    assert "jobresult" not in listed
    assert keys["secretkey"] not in bare_cloud.admin.send("listAsyncJobs", listall="true").get_data(as_text=True)


@pytest.mark.parametrize("parameters", [
    {}, {"resourceid": "x", "resourcetype": "User"}, {"resourcetype": "User"}, {"jobid": "nope"},
    {"resourceid": "5d1ca0a6-0000-4000-8000-000000000000", "resourcetype": "User"},
])
def test_what_names_no_job_is_refused(admin, parameters):
    with pytest.raises(ApiFailure) as caught:
        admin("queryAsyncJobResult", **parameters)
    assert caught.value.code == 431
    assert any(name in caught.value.text for name in ("jobid", "resourceid", "job of"))


class TestOthers:
    def test_jobs_of_another_account_are_not_shown(self, bare_cloud):
        alice, bob = bare_cloud.new_account(), bare_cloud.new_account()
        jobid = tagged(alice)
        alice.wait(jobid)
        with pytest.raises(ApiFailure) as caught:
            bob("queryAsyncJobResult", jobid=jobid)
        assert caught.value.code == 531
        assert bob("listAsyncJobs", startdate="2020-01-01") == {}
        assert [job["jobid"] for job in alice.list("listAsyncJobs", startdate="2020-01-01")] == [jobid]

    def test_the_admins_of_the_domain_and_of_all_see_them(self, bare_cloud):
        domain = bare_cloud.new_domain()
        user, boss = bare_cloud.new_account(domain=domain), bare_cloud.new_account(domain=domain, role="DomainAdmin")
        stranger = bare_cloud.new_account(domain=bare_cloud.new_domain(), role="DomainAdmin")
        jobid = tagged(user)
        user.wait(jobid)
        for client in (boss, bare_cloud.admin):
            assert client("queryAsyncJobResult", jobid=jobid)["jobid"] == jobid
            seen = client.list("listAsyncJobs", startdate="2020-01-01", listall=True)
            assert jobid in {job["jobid"] for job in seen}
        with pytest.raises(ApiFailure):
            stranger("queryAsyncJobResult", jobid=jobid)
        assert jobid not in {job["jobid"] for job in stranger.list("listAsyncJobs", startdate="2020-01-01",
                                                                   listall=True)}


def test_secrets_of_the_request_are_sealed_in_the_row(bare_cloud, admin):
    secret = [(command.api_name(), parameter.name) for command in bare_cloud.installation.registry if command.is_async
              for parameter in command.parameters.values() if parameter.secret]
    assert secret, "some asynchronous command takes a secret"
    dispatcher = bare_cloud.installation.dispatcher
    for name, parameter in secret:
        command = bare_cloud.installation.registry.get(name)
        kept = dispatcher._sealed(command, {parameter.lower(): "swordfish"})
        assert "swordfish" not in str(kept)
        assert dispatcher._unsealed(kept) == {parameter.lower(): "swordfish"}


def test_rows_of_ended_jobs_keep_no_worker(admin, tmp_path):
    admin.job("probeJob", folder=tmp_path)
    row = AsyncJob.select().where(AsyncJob.command == "probeJob").order_by(AsyncJob.id.desc()).first()
    assert (row.status, row.claimed_by, row.lease_until, row.attempts) == (queue.SUCCEEDED, None, None, 1)


def test_ended_ones_go_by_the_setting(bare_cloud, admin, tmp_path):
    old, young = (admin("probeJob", folder=tmp_path)["jobid"] for _ in range(2))
    for jobid in (old, young):
        admin.wait(jobid)
    AsyncJob.update(completed=now() - 1441 * 60_000).where(AsyncJob.uuid == old).execute()
    job.purge(bare_cloud.installation.context())
    assert admin("queryAsyncJobResult", jobid=young)["jobstatus"] == 1
    with pytest.raises(ApiFailure, match="jobid"):
        admin("queryAsyncJobResult", jobid=old)
