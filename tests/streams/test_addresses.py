"""Which addresses an action may reach."""

from ipaddress import ip_address

import pytest

from streams.addresses import Allowed

PRIVATE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254",
    "168.63.129.16", "100.100.100.200", "192.0.0.192", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
    "198.18.0.1", "192.0.2.1", "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::",
    "2002:a00:1::1", "2001:0:4136:e378:8000:63bf:f5ff:fffe", "2001:db8::1", "fec0::1",
    "feff:ffff::1",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8", "2002:808:808::"]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert "is no public address" in (Allowed().refuses("device.example", ip_address(address)) or "")


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_reached(address: str) -> None:
    assert Allowed().refuses("service.example", ip_address(address)) is None


def test_what_the_settings_allow_may_be_reached() -> None:
    allowed = Allowed.parse("10.1.0.0/16, 192.168.1.5,fd00::/8, HomeAssistant.local")
    for host, address in [
        ("a", "10.1.2.3"), ("a", "192.168.1.5"), ("a", "fd00::1"), ("homeassistant.LOCAL", "192.168.7.7"),
        ("a", "::ffff:10.1.2.3"),
    ]:  # fmt: skip
        assert allowed.refuses(host, ip_address(address)) is None, address
    for host, address in [("a", "10.2.0.1"), ("a", "192.168.1.6"), ("evil.homeassistant.local", "192.168.7.7")]:
        assert allowed.refuses(host, ip_address(address)) is not None, address


@pytest.mark.parametrize("text", ["10.0.0.1/8", "300.1.1.1", "10.0.0.0/40", "fd00::/200"])
def test_a_network_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Allowed.parse(text)
