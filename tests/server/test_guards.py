"""A foreign page cannot change anything, and every answer carries its headers."""

import pytest

from tests.server.conftest import Client

FOREIGN = ["evil.example", "evil.example:8600", "localhost.evil.example", "127.0.0.1@evil", "[", ""]


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost:1", "null"])
def test_a_foreign_page_cannot_write(api: Client, origin: str) -> None:
    headers = {"origin": origin}
    api.refused(403, "foreign_origin", "POST", "/api/works", json={"title": "x"}, headers=headers)
    api.refused(
        403, "foreign_origin", "POST", "/api/imports",
        files={"file": ("a.txt", b"abc")}, headers=headers,
    )  # fmt: skip
    assert api.ok("GET", "/api/works") == []


def test_our_own_page_and_programs_can(api: Client) -> None:
    api.ok("POST", "/api/works", json={"title": "x"}, headers={"origin": "http://testserver"})
    api.ok("POST", "/api/works", json={"title": "y"})


@pytest.mark.parametrize("path", ["/", "/api/works", "/api/nothing"])
def test_every_answer_carries_its_headers(api: Client, path: str) -> None:
    headers = api.http.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"]


@pytest.mark.parametrize("host", FOREIGN)
def test_another_machine_s_name_opens_nothing(api: Client, host: str) -> None:
    api.refused(400, "foreign_host", "GET", "/api/works", headers={"host": host})
    told = api.http.get("/v1/models", headers={"host": host})
    assert told.status_code == 400
    error = told.json()["error"]
    assert (error["type"], error["code"]) == ("invalid_request_error", "foreign_host")
    assert error["message"].isascii()


@pytest.mark.parametrize("host", ["127.0.0.1:8600", "LOCALHOST", "[::1]:8600", "[::1]"])
def test_this_machine_s_names_do(api: Client, host: str) -> None:
    api.ok("GET", "/api/works", headers={"host": host})
