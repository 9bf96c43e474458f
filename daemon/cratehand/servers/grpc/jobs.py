"""The service Jobs."""
# ruff: noqa: N802 - the generated base class names the methods

from collections.abc import AsyncIterator
from typing import Final

from cratehand.domain.errors import InvalidInputError
from cratehand.domain.ids import JobId
from cratehand.domain.job import JobState
from cratehand.servers.grpc.errors import Context
from cratehand.servers.grpc.questions import bounded, choice, limit, reference
from cratehand.servers.grpc.translate import job_message
from cratehand.usecases.job_watch import watch_job
from cratehand.usecases.use_cases import UseCases
from cratehand_api.v1 import jobs_pb2, jobs_pb2_grpc

_PAGE: Final = 100
_LARGEST_PAGE: Final = 1_000


class JobsService(jobs_pb2_grpc.JobsServicer):
    """Durable work."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use_cases = use_cases

    async def ListJobs(self, request: jobs_pb2.ListJobsRequest, context: Context) -> jobs_pb2.ListJobsResponse:
        """Return jobs and how many there are of each state."""
        return await self._use_cases.lanes.quick(self._list_jobs, request)

    async def GetJob(self, request: jobs_pb2.GetJobRequest, context: Context) -> jobs_pb2.Job:
        """Return one job."""
        return job_message(await self._use_cases.lanes.quick(self._use_cases.jobs.get, _job_id(request.id)))

    async def CancelJob(self, request: jobs_pb2.CancelJobRequest, context: Context) -> jobs_pb2.Job:
        """Cancel a job that has not ended."""
        return job_message(await self._use_cases.lanes.quick(self._use_cases.jobs.cancel, _job_id(request.id)))

    async def AnalyseTrack(self, request: jobs_pb2.AnalyseTrackRequest, context: Context) -> jobs_pb2.Job:
        """Analyse a track anew."""
        track = reference("track", request.track)
        return job_message(await self._use_cases.lanes.quick(self._use_cases.jobs.analyse, track))

    async def WatchJob(self, request: jobs_pb2.GetJobRequest, context: Context) -> AsyncIterator[jobs_pb2.Job]:
        """Send the job now and at each change, until it has ended."""
        use = self._use_cases
        async for job in watch_job(_job_id(request.id), jobs=use.jobs, bus=use.bus, lanes=use.lanes):
            yield job_message(job)

    def _list_jobs(self, request: jobs_pb2.ListJobsRequest) -> jobs_pb2.ListJobsResponse:
        if len(request.states) > len(JobState):
            raise InvalidInputError(f"states: there are {len(JobState)} of them only")
        states = [choice("states", state, JobState, default=JobState.QUEUED) for state in request.states]
        jobs = self._use_cases.jobs.list(
            states=states, limit=limit("limit", request.limit, default=_PAGE, most=_LARGEST_PAGE)
        )
        counts = {state.value: count for state, count in self._use_cases.jobs.counts().items()}
        return jobs_pb2.ListJobsResponse(jobs=[job_message(job) for job in jobs], counts=counts)


def _job_id(value: str) -> JobId:
    if not value:
        raise InvalidInputError("id is empty: `cratehand jobs` lists the jobs with their ids")
    return JobId(bounded("id", value, longest=80))
