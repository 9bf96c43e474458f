import socket

import pytest

from cratehand.domain.errors import ConflictError, InvalidInputError
from cratehand.servers.grpc.server import GrpcServer
from cratehand.servers.http.server import HttpServer
from cratehand.servers.osc.server import OscServer
from tests.api.house import TOKEN, House


def make(kind: str, house: House, http: HttpServer, *, host: str = "127.0.0.1", port: int = 0):
    match kind:
        case "grpc":
            return GrpcServer(house.use_cases, host=host, port=port, token=TOKEN)
        case "osc":
            return OscServer(house.use_cases, http, host=host, port=port, clock=house.clock)
        case _:
            return HttpServer(host=host, port=port, clock=house.clock)


@pytest.mark.parametrize("kind", ["grpc", "osc", "http"])
async def test_a_taken_port_names_its_holder_and_the_way_out(house: House, http_server: HttpServer, kind: str) -> None:
    socket_type = socket.SOCK_DGRAM if kind == "osc" else socket.SOCK_STREAM
    with socket.socket(type=socket_type) as holder:
        holder.bind(("127.0.0.1", 0))
        if kind != "osc":
            holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(ConflictError) as caught:
            await make(kind, house, http_server, port=port).__aenter__()
    message = str(caught.value)
    assert f"port {port}" in message
    assert "python" in message
    assert f"{kind}_port" in message
    assert f"CRATEHAND__SERVERS__{kind.upper()}_PORT" in message


@pytest.mark.parametrize("kind", ["grpc", "osc", "http"])
async def test_a_second_server_on_the_same_port_is_refused_and_the_first_goes_on(
    house: House, http_server: HttpServer, kind: str
) -> None:
    async with make(kind, house, http_server) as first:
        with pytest.raises(ConflictError):
            await make(kind, house, http_server, port=first.port).__aenter__()
    async with make(kind, house, http_server, port=first.port) as again:
        assert again.port == first.port
        assert again.address.endswith(f"127.0.0.1:{first.port}")


@pytest.mark.parametrize("kind", ["grpc", "osc", "http"])
async def test_a_host_that_is_not_ours_is_refused(house: House, http_server: HttpServer, kind: str) -> None:
    with pytest.raises(InvalidInputError, match="host"):
        await make(kind, house, http_server, host="192.0.2.1", port=0).__aenter__()
