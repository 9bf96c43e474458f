"""What `cratehand doctor` says of the master."""

from cratehand.app.data_folder import DataFolder
from cratehand.app.finding import Finding, broken, good, note
from cratehand.app.settings import Settings
from cratehand.domain.errors import CratehandError, NotFoundError, UnavailableError


def check_master(settings: Settings, folder: DataFolder) -> Finding:
    """Look whether the master answers and fits; waits a few seconds where nobody is there."""
    from cratehand.app.master_parts import configured_address, embedded_server

    check = "master"
    try:
        address = configured_address(settings)
        if address is None:
            server = embedded_server(folder)
            if server.exists and server.running() is not None:
                return note(check, "a server of our own runs, and no device uses it", "put its URL into [master] url")
            return good(check, "none: this device alone")
        from cratehand.catalogue.master.setting_up import look

        return good(check, f"{address.spoken}, collection {address.collection}: {look(address)}")
    except NotFoundError as error:
        return broken(check, str(error), "cratehand master init")
    except UnavailableError as error:
        return note(check, str(error), "`cratehand master start` where it is a server of our own")
    except CratehandError as error:
        return broken(check, str(error), "cratehand config check")
