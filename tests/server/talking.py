"""A persona and a conversation to talk in, for tests."""

import json
from typing import Any

from tests.server.conftest import Client

CARD: dict[str, Any] = {
    "name": "阿檀",
    "description": "{{char}}是看门的老人，认得{{user}}。",
    "first_message": "（{{char}}抬头。）{{user}}来了。",
    "alternates": ["又是你，{{user}}。"],
    "examples": ["门是门，锁是锁。"],
}


class Talk:
    """A conversation over HTTP."""

    def __init__(self, api: Client, **card: Any) -> None:
        self.api = api
        self.persona = api.ok("POST", "/api/personas", json=CARD | card)
        self.id = self.begin()
        self.root = f"/api/conversations/{self.id}"

    def begin(self, **how: Any) -> str:
        wanted = {"persona_id": self.persona["id"], "user_name": "小顾", **how}
        return str(self.api.ok("POST", "/api/conversations", json=wanted)["id"])

    def tree(self) -> dict[str, Any]:
        found: dict[str, Any] = self.api.ok("GET", f"{self.root}/tree")
        return found

    def path(self) -> list[dict[str, Any]]:
        tree = self.tree()
        rows = {m["id"]: m for m in tree["messages"]}
        at, found = tree["leaf_id"], []
        while at:
            found.append(rows[at])
            at = rows[at]["parent_id"]
        return found[::-1]

    def leaf(self) -> str:
        return str(self.tree()["leaf_id"])

    def say(self, text: str, parent: str | None = None) -> list[tuple[str, Any]]:
        return self.post("messages", {"text": text, "parent_id": parent or self.leaf()})

    def post(self, path: str, body: Any = None) -> list[tuple[str, Any]]:
        answer = self.api.http.post(f"{self.root}/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return events(answer.text)


def events(text: str) -> list[tuple[str, Any]]:
    found = []
    for block in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        if fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found


def sent(told: list[tuple[str, Any]]) -> str:
    """All that the model was given."""
    prompt = next(data for name, data in told if name == "prompt")
    return "\n".join(m["content"] for m in prompt["messages"])
