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
}

/** An answer that could not be written, or not to its end. */
export interface Failure {
  sentence: string;
  /** The message to ask again about, and how. */
  message: string;
  how: "again" | "continue";
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
  readonly tree = $derived(new Tree(this.messages));
  /** What stands on the page before the draft. */
  readonly path = $derived(this.tree.path(this.draft ? this.draft.parent : this.leaf));
  #stopper: AbortController | null = null;
  #heard = "";
  #drawing = false;

  constructor(id: string) {
    this.id = id;
  }

  get busy(): boolean {
    return this.draft !== null;
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
  async say(text: string, name: string): Promise<boolean> {
    return this.#write("messages", { text, parent_id: this.leaf }, this.leaf, "", name);
  }

  /** Another answer beside this one, or one to a message of the user's. */
  async again(message: Message, name: string): Promise<void> {
    const parent = message.role === "user" ? message.id : message.parent_id;
    await this.#write(`messages/${message.id}/again`, null, parent, "", name);
  }

  async goOn(message: Message, name: string): Promise<void> {
    await this.#write(
      `messages/${message.id}/continue`,
      null,
      message.parent_id,
      message.text,
      name,
    );
  }

  async #write(
    path: string,
    body: unknown,
    parent: string | null,
    begun: string,
    name: string,
  ): Promise<boolean> {
    if (this.busy) return false;
    const stopper = (this.#stopper = new AbortController());
    this.failure = null;
    this.#heard = begun;
    this.draft = { parent, text: begun };
    let taken = body === null;
    let over = false;
    try {
      const events = stream(`/api/conversations/${this.id}/${path}`, body, stopper.signal);
      for await (const { event, data } of events) {
        taken = true;
        if (event === "done" || event === "error") over = true;
        this.#hear(event, data, name);
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

  #hear(event: string, data: unknown, name: string): void {
    const told = data as Record<string, unknown>;
    if (event === "message") {
      const said = data as Message;
      this.#took(said);
      this.draft = { parent: said.id, text: "" };
    } else if (event === "delta") {
      this.#heard += told.text as string;
      this.#draw();
    } else if (event === "done" || event === "error") {
      const answer = told.message as Message | null;
      this.draft = null;
      if (answer) this.#took(answer);
      if (event === "error") this.#broke((told.error as { message: string }).message, answer);
      else if (answer) announce(t.answered(name));
      else this.#broke(t.silent);
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

  #broke(sentence: string, answer: Message | null = null): void {
    const last = answer ?? this.tree.get(this.draft?.parent ?? this.leaf);
    this.failure = last && {
      sentence,
      message: last.id,
      how: answer ? "continue" : "again",
    };
    announce(sentence);
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
  async step(message: Message, by: 1 | -1, name: string): Promise<void> {
    if (this.busy) return;
    const versions = this.tree.versions(message);
    const next = versions[versions.findIndex(({ id }) => id === message.id) + by];
    if (next) await this.turnTo(next.id);
    else if (by === 1 && message.role === "assistant" && message.parent_id)
      await this.again(message, name);
  }

  /** The message as it should have been; one of the user's is answered anew. */
  async edit(message: Message, text: string, name: string): Promise<void> {
    const path = { conversation_id: this.id, message_id: message.id };
    const address = "/api/conversations/{conversation_id}/messages/{message_id}";
    await this.#done(async () => {
      const changed = await ok(http.PATCH(address, { params: { path }, body: { text } }));
      this.failure = null;
      this.#took(changed);
      if (changed.role === "user") void this.again(changed, name);
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
