"""Fixtures of the server tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cratehand.servers.grpc.server import GrpcServer
from cratehand.servers.http.server import HttpServer
from cratehand.servers.osc.server import OscServer
from tests.api.house import TOKEN, House, open_house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as opened:
        yield opened


@pytest.fixture
async def grpc_server(house: House) -> AsyncIterator[GrpcServer]:
    async with GrpcServer(house.use_cases, token=TOKEN) as server:
        yield server


@pytest.fixture
async def http_server(house: House) -> AsyncIterator[HttpServer]:
    async with HttpServer(clock=house.clock) as server:
        yield server


@pytest.fixture
async def osc_server(house: House, http_server: HttpServer) -> AsyncIterator[OscServer]:
    async with OscServer(house.use_cases, http_server, clock=house.clock, first_session=100) as server:
        yield server
