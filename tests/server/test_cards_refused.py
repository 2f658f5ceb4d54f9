"""Cards that are broken, hostile or something else: each is refused with a sentence."""

import io
import struct
import zipfile
from base64 import b64encode
from itertools import cycle
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from server.app import create_app
from tests.server.cards_made import V1, V2, as_json, charx, chunk, picture, png
from tests.server.conftest import Client, make_desk

IMPORT = "/api/personas/import"
GOOD = png({"chara": as_json(V2)})


def huge_claim() -> bytes:
    """A PNG whose text chunk says that it has 200 MB."""
    plain = picture()
    return plain[:33] + struct.pack(">I4s", 200 * 2**20, b"tEXt") + b"chara\0" + plain[33:]


def bomb() -> bytes:
    """A card.json that unpacks to 300 MB."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("card.json", b" " * (300 * 2**20))
    return made.getvalue()


CASES = {
    "not JSON": (422, "unreadable_file", b"hello"),
    "nothing": (422, "unreadable_file", b""),
    "a list": (422, "unreadable_file", b"[1]"),
    "deep": (422, "unreadable_file", b'{"name": ' + b"[" * 100_000),
    "some object": (422, "unreadable_file", b'{"name": "a"}'),
    "a lorebook": (422, "unreadable_file", as_json({"name": "a", "entries": {}})),
    "a lorebook v3": (422, "unreadable_file", as_json({"spec": "lorebook_v3", "data": {}})),
    "a plain picture": (422, "unreadable_file", picture()),
    "cut off": (422, "damaged_file", GOOD[:-30]),
    "cut in its text": (422, "damaged_file", GOOD[:200]),
    "a flipped bit": (422, "damaged_file", GOOD[:100] + bytes([GOOD[100] ^ 1]) + GOOD[101:]),
    "no base64": (422, "damaged_file", png({"chara": "老".encode() * 8}, encoded=False)),
    "short base64": (422, "damaged_file", png({"chara": b"eyJuYW"}, encoded=False)),
    "base64 of no JSON": (422, "unreadable_file", png({"chara": b"\xff\xfe"})),
    "a claim of 200 MB": (413, "too_large", huge_claim()),
    "12 MB of text": (413, "too_large", png({"chara": b" " * (12 * 2**20)})),
    "12 MB of JSON": (413, "too_large", b'{"name": "' + b"a" * (12 * 2**20) + b'"}'),
    "a path outside": (422, "damaged_file", charx({"card.json": as_json(V1), "../a": b""})),
    "a path from the root": (422, "damaged_file", charx({"card.json": as_json(V1), "/a": b""})),
    "a Windows path": (422, "damaged_file", charx({"card.json": as_json(V1), "C:\\a": b""})),
    "no card in it": (422, "damaged_file", charx({"a.json": as_json(V1)})),
    "a broken ZIP": (422, "damaged_file", charx({"card.json": as_json(V1)})[:-40]),
    "a bomb": (422, "oversized_file", bomb()),
    "a long field": (422, "invalid_request", as_json(V1 | {"description": "长" * 20_001})),
    "a long entry": (422, "invalid_request", as_json({"data": {"name": "a", "first_mes": "",
        "character_book": {"entries": [{"keys": ["a"], "content": "长" * 100_001}]}}})),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_it_is_refused_with_a_sentence_and_nothing_is_kept(api: Client, case: str) -> None:
    status, code, data = CASES[case]
    api.refused(status, code, "POST", IMPORT, files={"file": ("a.png", data)})
    assert api.ok("GET", "/api/personas") == []


def test_compressed_text_is_not_unpacked(api: Client) -> None:
    plain = picture()
    body = b"chara\0\0" + b64encode(as_json(V2))
    data = plain[:33] + chunk(b"zTXt", body) + plain[33:]
    api.refused(422, "unreadable_file", "POST", IMPORT, files={"file": ("a.png", data)})


def test_a_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    desk = make_desk(tmp_path / "desk", max_import_bytes=1000)
    with TestClient(create_app(desk)) as http:
        files = {"file": ("a.json", as_json(V2) + b" " * 1000)}
        Client(http, desk).refused(413, "too_large", "POST", IMPORT, files=files)


def test_wild_fields_do_not_break_a_card(api: Client) -> None:
    wild = dict(zip(V2["data"], cycle([{}, [], 3, None, True, "a"]), strict=False))
    card = {"spec": "chara_card_v2", "data": wild | {"first_mes": 5, "name": ["x"]}}
    told = api.ok("POST", IMPORT, files={"file": ("某卡.json", as_json(card))})["persona"]
    assert (told["name"], told["first_message"]) == ("某卡", "")
    answer = api.http.get(f"/api/personas/{told['id']}/export?format=v2").json()
    assert answer["data"]["first_mes"] == 5, "what could not be read is written as it came"
