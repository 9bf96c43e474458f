"""What `cratehand doctor` says of the cluster."""

from cratehand.app.finding import Finding, broken, good, note
from cratehand.app.settings import Settings
from cratehand.domain.errors import CratehandError, UnavailableError


def check_cluster(settings: Settings) -> Finding | None:
    """Look whether the scheduler answers and fits; nothing to say where none is set."""
    analysis, check = settings.analysis, "cluster"
    if not analysis.cluster:
        return None
    from cratehand.app.cluster import cluster_executor

    try:
        executor = cluster_executor(analysis)
        try:
            threads = executor.look()
        finally:
            executor.shutdown()
    except UnavailableError as error:
        return note(check, str(error), "see the page service/cluster.md")
    except CratehandError as error:
        return broken(check, str(error), "see the message")
    if not threads:
        return note(check, f"{executor.address} has no worker", f"dask worker {executor.address} --nthreads 1")
    return good(check, f"{executor.address} reads {threads} files at once")
