import grpc
import pytest
from google.protobuf import message_factory
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from cratehand.domain.errors import InvalidInputError
from cratehand.servers.grpc.server import SERVICES, GrpcServer
from cratehand_api.v1 import daemon_pb2, daemon_pb2_grpc, events_pb2, export_pb2, jobs_pb2, library_pb2, search_pb2
from tests.api.clients import SHOWN, channel
from tests.api.house import TOKEN, House

METHODS = [
    method
    for module in (library_pb2, search_pb2, jobs_pb2, export_pb2, events_pb2, daemon_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]
WRONG = [
    (),
    (("authorization", "Bearer "),),
    (("authorization", "Bearer nonsense"),),
    (("authorization", TOKEN),),
    (("authorization", f"Basic {TOKEN}"),),
    (("authorization", f"Bearer {TOKEN}x"),),
    (("x-authorization", f"Bearer {TOKEN}"),),
]


async def call(open_channel: grpc.aio.Channel, method, metadata) -> grpc.StatusCode:
    path = f"/{method.containing_service.full_name}/{method.name}"
    request = message_factory.GetMessageClass(method.input_type)()
    response = message_factory.GetMessageClass(method.output_type)
    assert not method.client_streaming
    coders = {"request_serializer": type(request).SerializeToString, "response_deserializer": response.FromString}
    try:
        if method.server_streaming:
            stream = open_channel.unary_stream(path, **coders)(request, metadata=metadata, timeout=5)
            await stream.read()
            stream.cancel()
        else:
            await open_channel.unary_unary(path, **coders)(request, metadata=metadata, timeout=5)
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


async def test_every_method_of_every_service_asks_for_the_token(grpc_server: GrpcServer) -> None:
    assert len(METHODS) >= 20
    assert any(method.server_streaming for method in METHODS)
    async with channel(grpc_server.address) as open_channel:
        for method in METHODS:
            for metadata in WRONG:
                code = await call(open_channel, method, metadata)
                assert code is grpc.StatusCode.UNAUTHENTICATED, (method.full_name, metadata)


async def test_with_the_token_every_unary_method_goes_past_the_guard(grpc_server: GrpcServer) -> None:
    async with channel(grpc_server.address) as open_channel:
        for method in METHODS:
            if not method.server_streaming:
                code = await call(open_channel, method, SHOWN)
                assert code not in {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.UNIMPLEMENTED}, method.full_name
                assert code not in {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}, method.full_name


async def test_the_scheme_is_read_in_any_case(grpc_server: GrpcServer) -> None:
    async with channel(grpc_server.address) as open_channel:
        daemon = daemon_pb2_grpc.DaemonStub(open_channel)
        status = await daemon.GetStatus(daemon_pb2.GetStatusRequest(), metadata=(("authorization", f"bearer {TOKEN}"),))
    assert status.version == "0.0-test"


async def test_a_refusal_carries_the_stable_code(grpc_server: GrpcServer) -> None:
    async with channel(grpc_server.address) as open_channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await daemon_pb2_grpc.DaemonStub(open_channel).GetStatus(daemon_pb2.GetStatusRequest())
    assert dict(caught.value.trailing_metadata())["cratehand-code"] == "unauthorized"
    assert TOKEN not in str(caught.value)


async def test_health_answers_without_the_token(grpc_server: GrpcServer) -> None:
    async with channel(grpc_server.address) as open_channel:
        health = health_pb2_grpc.HealthStub(open_channel)
        for service in ("", *SERVICES):
            answer = await health.Check(health_pb2.HealthCheckRequest(service=service))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_reflection_answers_without_the_token_and_names_all_services(grpc_server: GrpcServer) -> None:
    async with channel(grpc_server.address) as open_channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(open_channel)
        asked = reflection_pb2.ServerReflectionRequest(list_services="")
        stream = stub.ServerReflectionInfo(iter([asked]))
        answer = await stream.read()
        stream.cancel()
    names = {service.name for service in answer.list_services_response.service}
    assert set(SERVICES) | {"grpc.health.v1.Health"} <= names


@pytest.mark.parametrize("token", ["", "  \n"])
async def test_an_empty_token_is_refused_at_the_start(house: House, token: str) -> None:
    with pytest.raises(InvalidInputError):
        GrpcServer(house.use_cases, token=token)
