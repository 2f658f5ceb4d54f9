import fc from "fast-check";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { changeOf, sheetOf } from "$/rooms/personas/sheet";
import { called, listed, named, pieces } from "$/rooms/personas/said";
import { Talk, type Message } from "$/rooms/personas/talk.svelte";
import { Tree, type Node } from "$/rooms/personas/tree";
import type { Persona } from "$/rooms/personas/people.svelte";

const node = (id: string, parent_id: string | null, number: number): Node => ({
  id,
  parent_id,
  number,
});

describe("what was said", () => {
  it("tells deeds from words", () => {
    expect(pieces("（抬头）来了。*坐下* 请")).toEqual([
      { kind: "deed", text: "（抬头）" },
      { kind: "words", text: "来了。" },
      { kind: "deed", text: "坐下" },
      { kind: "words", text: " 请" },
    ]);
  });

  it("loses nothing of any text without stars", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const plain = text.replaceAll("*", "");
        expect(
          pieces(plain)
            .map((piece) => piece.text)
            .join(""),
        ).toBe(plain);
      }),
    );
  });

  it("puts names in once", () => {
    expect(named("{{char}}和{{ User }}，<bot>{{x}}", "{{user}}", "甲")).toBe(
      "{{user}}和甲，{{user}}{{x}}",
    );
  });

  it("prefers the nickname", () => {
    expect([{ name: "周莲生", nickname: "阿莲" }, { name: "老水" }].map(called)).toEqual([
      "阿莲",
      "老水",
    ]);
  });

  it("lists words", () => expect(listed("灯、 茶，灯\n水")).toEqual(["灯", "茶", "水"]));
});

describe("the tree", () => {
  const tree = new Tree([
    node("a", null, 0), node("b", null, 1), node("q", "a", 2),
    node("r1", "q", 3), node("r2", "q", 4), node("s", "r1", 5),
  ]); // prettier-ignore

  it("has one path to each message and its versions beside it", () => {
    expect(tree.path("s").map(({ id }) => id)).toEqual(["a", "q", "r1", "s"]);
    expect(tree.versions(tree.get("r2")!).map(({ id }) => id)).toEqual(["r1", "r2"]);
    expect(tree.path(null)).toEqual([]);
  });

  it("counts branches without greetings that nobody answered", () => {
    expect(tree.leaves().map(({ id }) => id)).toEqual(["r2", "s"]);
    expect(tree.branch("s")).toBe(1);
    expect(tree.branch("q")).toBe(0);
    expect(new Tree([node("a", null, 0), node("b", null, 1)]).leaves()).toHaveLength(1);
  });
});

describe("the card's sheet", () => {
  it("says the same when nothing is changed", () => {
    const persona = {
      id: "1", slug: "x", name: "甲", color: "ink", alternates: ["乙", "丙\n丁"],
      examples: ["一", "二"], tags: ["古"], work_id: null, chapter_id: null, character_id: null,
    } as unknown as Persona; // prettier-ignore
    const change = changeOf(persona, sheetOf(persona));
    expect(change).toMatchObject({
      name: "甲", alternates: ["乙", "丙\n丁"], examples: ["一", "二"], tags: ["古"], work_id: null,
    }); // prettier-ignore
    expect("offset" in change).toBe(false);
    expect(change.slug).toBe("x");
    expect(changeOf(persona, { ...sheetOf(persona), slug: " " }).slug).toBeNull();
    const moved = changeOf(persona, { ...sheetOf(persona), work_id: "w", chapter_id: "c" });
    expect(moved).toMatchObject({ work_id: "w", chapter_id: "c", offset: null });
  });
});

describe("a conversation", () => {
  const told = (id: string, role: string, text: string, number: number) =>
    ({ id, role, text, number, parent_id: number ? "q" : null }) as unknown as Message;
  const line = (event: string, data: unknown) =>
    `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
  let answer: string[];

  beforeEach(() => {
    vi.stubGlobal("fetch", async (request: Request) =>
      request.url.endsWith("/messages")
        ? new Response(answer.join(""))
        : Response.json({ id: "t", leaf_id: "q", messages: [told("q", "user", "问", 0)] }),
    );
  });

  it("keeps what broke off and offers to go on with it", async () => {
    answer = [
      line("message", told("q", "user", "问", 0)),
      line("delta", { text: "答" }),
      line("error", { error: { message: "断了。" }, message: told("r", "assistant", "答", 1) }),
    ];
    const talk = new Talk("t");
    expect(await talk.say("问")).toBe(true);
    expect(talk.path.map(({ text }) => text)).toEqual(["问", "答"]);
    expect(talk.failure).toMatchObject({ sentence: "断了。", message: "r", how: "continue" });
    expect(talk.busy).toBe(false);
  });

  it("offers to ask again where no word came", async () => {
    answer = [
      line("message", told("q", "user", "问", 0)),
      line("error", { error: { message: "断了。" }, message: null }),
    ];
    const talk = new Talk("t");
    await talk.say("问");
    expect(talk.failure).toMatchObject({ message: "q", how: "again" });
  });

  it("lets several speak one after the other", async () => {
    const said = (id: string, parent_id: string, number: number, persona_id: string) =>
      ({ ...told(id, "assistant", id, number), parent_id, persona_id }) as Message;
    const stream = [
      line("prompt", { persona_id: "p" }),
      line("delta", { text: "半" }),
      line("done", { message: said("r", "q", 1, "p") }),
      line("prompt", { persona_id: "w" }),
      line("error", { error: { message: "断了。" }, message: null }),
    ];
    const asked: unknown[] = [];
    vi.stubGlobal("fetch", async (request: Request) => {
      asked.push(await request.json());
      return new Response(stream.join(""));
    });
    const talk = new Talk("t");
    talk.messages = [told("q", "user", "问", 0)];
    talk.leaf = "q";
    await talk.speak(null, 3);
    expect(asked).toEqual([{ persona_id: null, parent_id: "q", turns: 3 }]);
    expect(talk.path.map(({ id }) => id)).toEqual(["q", "r"]);
    expect(talk.failure).toEqual({ sentence: "断了。", message: "r", how: "speak", by: "w" });
    expect(talk.busy).toBe(false);
    await talk.repair();
    expect(asked[1]).toEqual({ persona_id: "w", parent_id: "r", turns: 1 });
  });

  it("gives the words back when they were refused", async () => {
    vi.stubGlobal("fetch", async () =>
      Response.json({ error: { code: "x", message: "不行。" } }, { status: 422 }),
    );
    const talk = new Talk("t");
    expect(await talk.say("问")).toBe(false);
    expect(talk.busy).toBe(false);
  });
});
