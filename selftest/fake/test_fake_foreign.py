"""Asyncio code of others runs unchanged: an aiohttp server and client, TLS through asyncio."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
from pathlib import Path
from typing import Any

import pytest

from swrap.fake import Network


def test_an_aiohttp_server_answers_an_aiohttp_client(network: Network) -> None:
    web = pytest.importorskip("aiohttp.web", reason="aiohttp is missing")
    import aiohttp

    async def hello(request: Any) -> Any:
        body = await request.text()
        return web.json_response({"who": request.match_info["who"], "said": body, "from": request.remote})

    async def socket_echo(request: Any) -> Any:
        talk = web.WebSocketResponse()
        await talk.prepare(request)
        async for message in talk:
            await talk.send_str(message.data.upper())
        return talk

    async def serve() -> None:
        app = web.Application()
        app.router.add_post("/hello/{who}", hello)
        app.router.add_get("/talk", socket_echo)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "0.0.0.0", 8080).start()
        await asyncio.Event().wait()

    async def client() -> tuple[Any, str]:
        async with aiohttp.ClientSession("http://server:8080") as session:
            async with session.post("/hello/laptop", data="x" * 100_000) as answer:
                said = await answer.json()
            async with session.ws_connect("/talk") as talk:
                await talk.send_str("over a web socket")
                return said, await talk.receive_str()

    async def story() -> tuple[Any, str]:
        network.spawn("server", serve)
        await asyncio.sleep(1)
        return await network.on("laptop", client)

    said, talked = network.run(story)
    assert said == {"who": "laptop", "said": "x" * 100_000, "from": "10.0.0.2"}
    assert talked == "OVER A WEB SOCKET"


def test_what_aiohttp_keeps_is_each_processs_own(network: Network) -> None:
    aiohttp = pytest.importorskip("aiohttp", reason="aiohttp is missing")

    class Own:
        """What one process alone can send."""

    async def knows(registers: bool) -> bool:
        registry = aiohttp.PAYLOAD_REGISTRY
        if registers:
            registry.register(lambda value: f"{value} is known", Own)
        await asyncio.sleep(1)
        assert registry is aiohttp.PAYLOAD_REGISTRY is aiohttp.payload.PAYLOAD_REGISTRY
        try:
            return bool(registry.get(Own()))
        except aiohttp.payload.LookupError:
            return False

    async def story() -> list[bool]:
        return await asyncio.gather(network.on("server", knows, True), network.on("laptop", knows, False))

    assert network.run(story) == [True, False]


def test_tls_goes_through_asyncio(network: Network, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path, "server")

    async def serve() -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write((await reader.readline()).upper())
            writer.close()

        async with await asyncio.start_server(answer, port=443, ssl=context) as server:
            await server.serve_forever()

    async def client() -> tuple[bytes, str | None]:
        context = ssl.create_default_context(cafile=certificate)
        reader, writer = await asyncio.open_connection("server", 443, ssl=context)
        writer.write(b"quietly\n")
        line = await reader.readline()
        version = writer.get_extra_info("ssl_object").version()
        writer.close()
        return line, version

    async def story() -> tuple[bytes, str | None]:
        network.spawn("server", serve)
        await asyncio.sleep(1)
        return await network.on("laptop", client)

    assert network.run(story) == (b"QUIETLY\n", "TLSv1.3")


def self_signed(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate for ``name`` and its key, valid around the time that a fake network begins at and now."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names = x509.SubjectAlternativeName(
        [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("10.0.0.1"))]
    )
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.datetime(2020, 1, 1))
        .not_valid_after(datetime.datetime(2099, 1, 1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(built.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return paths
