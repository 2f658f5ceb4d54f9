/** One conversation on the page: its tree, the answer being written, and what can be done. */

import { http, ok, Refusal, stream, type Shapes } from "$/api/client";
import { announce } from "$/state/announce.svelte";
import { toasts } from "$/state/toasts.svelte";
import { whole } from "$/text/clauses";
import { people, type Conversation } from "./people.svelte";
import { Tree } from "./tree";
import { t } from "./words";

export type Message = Shapes["SaidOut"];

/** An answer on its way. */
export interface Draft {
  /** What it answers. */
  parent: string | null;
  text: string;
  /** The persona who speaks, as soon as that is known. */
  by: string | null;
}

/** An answer that could not be written, or not to its end. */
export interface Failure {
  sentence: string;
  /** The message to ask again about, or to speak after, and how; who was to speak. */
  message: string | null;
  how: "again" | "continue" | "speak";
  by: string | null;
}

const calm = matchMedia("(prefers-reduced-motion: reduce)");

export class Talk {
  readonly id: string;
  about = $state.raw<Conversation | null>(null);
  messages = $state.raw<Message[]>([]);
  leaf = $state<string | null>(null);
  draft = $state.raw<Draft | null>(null);
  failure = $state.raw<Failure | null>(null);
  error = $state("");
  /** Who speaks next, of several. */
  next = $state<string | null>(null);
  readonly members = $derived(this.about?.members.filter(({ present }) => present) ?? []);
  readonly group = $derived(this.members.length > 1);
  readonly tree = $derived(new Tree(this.messages));
  /** What stands on the page before the draft. */
  readonly path = $derived(this.tree.path(this.draft ? this.draft.parent : this.leaf));
  #stopper: AbortController | null = null;
  #heard = "";
  #drawing = false;
  /** They talk among themselves: after one answer comes the next. */
  #running = $state(false);

  constructor(id: string) {
    this.id = id;
  }

  get busy(): boolean {
    return this.draft !== null || this.#running;
  }

  /** What a speaker is called on the page. */
  nameOf(id: string | null | undefined): string {
    const told = this.about?.members.find(({ persona_id }) => persona_id === id);
    return people.get(id ?? null)?.name ?? told?.name ?? "";
  }

  get #at() {
    return { path: { conversation_id: this.id } };
  }

  async read(): Promise<void> {
    try {
      const [about, tree] = await Promise.all([
        ok(http.GET("/api/conversations/{conversation_id}", { params: this.#at })),
        ok(http.GET("/api/conversations/{conversation_id}/tree", { params: this.#at })),
      ]);
      this.about = about;
      this.messages = tree.messages;
      this.leaf = tree.leaf_id;
      this.error = "";
    } catch (error) {
      this.error = error instanceof Error ? error.message : String(error);
    }
  }

  /** Says something at the conversation's end. False where it was refused: the words stay with their author. */
  async say(text: string): Promise<boolean> {
    return this.#write("messages", { text, parent_id: this.leaf }, this.leaf);
  }

  /** Another answer beside this one, or one to a message of the user's. */
  async again(message: Message): Promise<void> {
    const parent = message.role === "user" ? message.id : message.parent_id;
    await this.#write(`messages/${message.id}/again`, null, parent);
  }

  async goOn(message: Message): Promise<void> {
    await this.#write(`messages/${message.id}/continue`, null, message.parent_id, message.text);
  }

  /** A member goes on, the user saying nothing (null: whose turn it is); after them as many more. */
  async speak(by: string | null, turns = 1, parent = this.leaf): Promise<void> {
    if (this.busy) return;
    const spoken = this.#write("speak", { persona_id: by, parent_id: parent, turns }, parent);
    this.#running = turns > 1;
    await spoken;
    this.#running = false;
  }

  async #write(path: string, body: unknown, parent: string | null, begun = ""): Promise<boolean> {
    if (this.busy) return false;
    const stopper = (this.#stopper = new AbortController());
    this.failure = null;
    this.#heard = begun;
    this.draft = { parent, text: begun, by: null };
    let taken = body === null;
    let over = false;
    try {
      const events = stream(`/api/conversations/${this.id}/${path}`, body, stopper.signal);
      for await (const { event, data } of events) {
        taken = true;
        over = event === "done" || event === "error";
        this.#hear(event, data);
      }
      if (!over) this.#broke(t.broken);
    } catch (error) {
      if (!(error instanceof DOMException)) {
        if (!taken || error instanceof Refusal) toasts.error(error);
        else this.#broke(t.broken);
      }
      if (taken) await this.read();
    }
    if (this.#stopper === stopper) this.draft = null;
    return taken;
  }

  #hear(event: string, data: unknown): void {
    const told = data as Record<string, unknown>;
    if (event === "message") {
      const said = data as Message;
      this.#took(said);
      this.draft = { parent: said.id, text: "", by: null };
    } else if (event === "prompt") {
      if (!this.draft) this.#heard = "";
      const draft = this.draft ?? { parent: this.leaf, text: "" };
      this.draft = { ...draft, by: told.persona_id as string };
    } else if (event === "delta") {
      this.#heard += told.text as string;
      this.#draw();
    } else if (event === "done" || event === "error") {
      const answer = told.message as Message | null;
      const before = this.draft;
      this.draft = null;
      if (answer) this.#took(answer);
      if (event === "error")
        this.#broke((told.error as { message: string }).message, answer, before);
      else if (answer) announce(t.answered(this.nameOf(answer.persona_id)));
      else this.#broke(t.silent, null, before);
    }
  }

  /** Text is drawn once a frame, however fast it comes; by the sentence where motion is unwelcome. */
  #draw(): void {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      if (!this.draft) return;
      const text = calm.matches ? whole(this.#heard, "sentence") : this.#heard;
      this.draft = { ...this.draft, text };
    });
  }

  #broke(sentence: string, answer: Message | null = null, draft = this.draft): void {
    const last = answer ?? this.tree.get(draft ? draft.parent : this.leaf);
    const how = answer ? "continue" : last?.role === "user" ? "again" : "speak";
    this.failure = { sentence, message: last?.id ?? null, how, by: draft?.by ?? null };
    announce(sentence);
  }

  /** Tries again what failed. */
  async repair(): Promise<void> {
    if (!this.failure) return;
    const { how, message, by } = this.failure;
    const broken = this.tree.get(message);
    if (how === "speak") await this.speak(by, 1, message);
    else if (broken && how === "continue") await this.goOn(broken);
    else if (broken) await this.again(broken);
  }

  #took(message: Message): void {
    this.messages = [...this.messages.filter(({ id }) => id !== message.id), message];
    this.leaf = message.id;
    if (this.about) {
      const title = this.about.title || message.text.replace(/\s+/g, " ").slice(0, 24);
      this.about = {
        ...this.about,
        leaf_id: message.id,
        ...(message.role === "user" ? { title } : {}),
      };
      people.tookTalk(this.about);
    }
  }

  /** Ends the answer; what there is of it stays. */
  async stop(): Promise<void> {
    await ok(http.POST("/api/conversations/{conversation_id}/stop", { params: this.#at })).catch(
      (error) => toasts.error(error),
    );
  }

  /** The page leaves; the server keeps what was written. */
  leave(): void {
    this.#stopper?.abort();
    this.#stopper = null;
    this.draft = null;
    this.#running = false;
  }

  /** Asks whose turn it is; of one alone it is always theirs. */
  async readTurn(): Promise<void> {
    const params = { ...this.#at, query: { message_id: this.leaf } };
    const turn = await ok(http.GET("/api/conversations/{conversation_id}/turn", { params })).catch(
      () => null,
    );
    this.next = turn?.persona_id ?? null;
  }

  /** Who is there from now on, in their order. */
  async seat(members: Shapes["MemberIn"][]): Promise<void> {
    const body = { members };
    this.about = await ok(
      http.PUT("/api/conversations/{conversation_id}/members", { params: this.#at, body }),
    );
    people.tookTalk(this.about);
  }

  /** To another version, where its own branch went on last; `exact`: to the message itself. */
  async turnTo(message: string, exact = false): Promise<void> {
    const body = { message_id: message, exact };
    await this.#done(async () => {
      const about = await ok(
        http.POST("/api/conversations/{conversation_id}/leaf", { params: this.#at, body }),
      );
      this.about = about;
      this.leaf = about.leaf_id;
      this.failure = null;
    });
  }

  /** The version before or after one; behind the last answer, another that is written now. */
  async step(message: Message, by: 1 | -1): Promise<void> {
    if (this.busy) return;
    const versions = this.tree.versions(message);
    const next = versions[versions.findIndex(({ id }) => id === message.id) + by];
    if (next) await this.turnTo(next.id);
    else if (by === 1 && message.role === "assistant" && message.parent_id)
      await this.again(message);
  }

  /** The message as it should have been; one of the user's is answered anew. */
  async edit(message: Message, text: string): Promise<void> {
    const path = { conversation_id: this.id, message_id: message.id };
    const address = "/api/conversations/{conversation_id}/messages/{message_id}";
    await this.#done(async () => {
      const changed = await ok(http.PATCH(address, { params: { path }, body: { text } }));
      this.failure = null;
      this.#took(changed);
      if (changed.role === "user") void this.again(changed);
    });
  }

  async change(body: Shapes["ConversationChange"]): Promise<void> {
    await this.#done(async () => {
      this.about = await ok(
        http.PATCH("/api/conversations/{conversation_id}", { params: this.#at, body }),
      );
      people.tookTalk(this.about);
    });
  }

  async #done(what: () => Promise<void>): Promise<void> {
    try {
      await what();
    } catch (error) {
      toasts.error(error);
    }
  }
}
