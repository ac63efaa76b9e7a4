import ssl
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from orchestrator.errors import LostAnswer, NothingHappened
from orchestrator.ports import Clock, Order
from orchestrator.promotion.record import Run, Target
from tests.adapters.github.conftest import at, listed_run
from tests.adapters.github.raw_server import DRIP, answer, answering

STARTED = answer(
    200, {"workflow_run_id": 77, "run_url": "https://127.0.0.1/api/77", "html_url": "https://127.0.0.1/77"}
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that signs itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(made.public_bytes(Encoding.PEM) + secret)
    return path


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))


def test_a_run_is_started_and_read_over_tls(
    order: Order, target: Target, clock: Clock, tls: ssl.SSLContext, trusted: None
) -> None:
    with answering(STARTED, answer(200, listed_run(77)), tls=tls) as server:
        workflows = at(server.url, clock)

        assert workflows.start(order) == Run(77, "https://127.0.0.1/77")
        assert workflows.run(target, 77).run.id == 77
        assert len(server.calls) == 2


def test_a_certificate_that_is_not_trusted_means_that_nothing_happened(
    order: Order, clock: Clock, tls: ssl.SSLContext
) -> None:
    with answering(STARTED, tls=tls) as server:
        with pytest.raises(NothingHappened, match=r"nothing was sent: .*certificate verify failed"):
            at(server.url, clock).start(order)

        assert server.calls == []


def test_an_answer_that_drips_in_over_tls_ends_at_the_limit(
    order: Order, clock: Clock, tls: ssl.SSLContext, trusted: None
) -> None:
    with answering(DRIP, tls=tls) as server:
        begun = time.monotonic()
        with pytest.raises(LostAnswer):
            at(server.url, clock).start(replace(order, limit=timedelta(seconds=0.5)))

        assert time.monotonic() - begun < 3
        assert len(server.calls) == 1
