/** Who can be talked to, and the conversations with them. */

import { http, ok, upload, type Shapes } from "$/api/client";
import { toasts } from "$/state/toasts.svelte";
import { c } from "$/words/common";
import { t } from "./words";

export type Persona = Shapes["PersonaOut"];
export type Conversation = Shapes["ConversationOut"];
export type PersonaChange = Shapes["PersonaChange"];

export function form(fields: Record<string, string | File>): FormData {
  const told = new FormData();
  for (const [name, value] of Object.entries(fields)) told.append(name, value);
  return told;
}

class People {
  list = $state.raw<Persona[] | null>(null);
  talks = $state.raw<Conversation[]>([]);
  error = $state("");
  /** Makes a changed picture be asked for anew. */
  pictures = $state(0);

  async read(): Promise<void> {
    try {
      [this.list, this.talks] = await Promise.all([
        ok(http.GET("/api/personas")),
        ok(http.GET("/api/conversations")),
      ]);
      this.error = "";
    } catch (error) {
      this.error = error instanceof Error ? error.message : String(error);
    }
  }

  get(id: string | null): Persona | null {
    return this.list?.find((one) => one.id === id || one.slug === id) ?? null;
  }

  /** What `Face` shows of them. */
  face({ id, name, color, avatar }: Persona) {
    const picture = avatar ? `/api/personas/${id}/avatar?${this.pictures}` : null;
    return { name, color, picture };
  }

  /** What `Face` shows of somebody who may be gone. */
  faceOf(persona: Persona | null, name: string) {
    return persona ? this.face(persona) : { name, color: "ink", picture: null };
  }

  talksOf(persona: Persona): Conversation[] {
    const takesPart = (talk: Conversation) =>
      talk.members.some(({ persona_id, present }) => present && persona_id === persona.id);
    return this.talks.filter(takesPart);
  }

  titleOf(talk: Conversation): string {
    const names = talk.members.filter(({ present }) => present).map(({ name }) => name);
    return talk.title || (names.length > 1 ? names.join(t.comma) : t.untitled);
  }

  async create(name: string): Promise<Persona> {
    const made = await ok(http.POST("/api/personas", { body: { name } as Shapes["PersonaNew"] }));
    this.took(made);
    return made;
  }

  /** A persona out of a character card; says what of the file was not taken. */
  async bring(file: File): Promise<Persona> {
    const made = await upload<Shapes["PersonaImported"]>("/api/personas/import", form({ file }));
    this.took(made.persona);
    const { name } = made.persona;
    if (made.left.length) toasts.told(t.broughtBut(name, made.left.join("；")));
    else toasts.told(t.brought(name));
    return made.persona;
  }

  async bringTalk(persona: Persona, file: File): Promise<Conversation> {
    const told = form({ persona_id: persona.id, file });
    const made = await upload<Conversation>("/api/conversations/import", told);
    this.tookTalk(made);
    return made;
  }

  async change(persona: Persona, body: PersonaChange): Promise<void> {
    const params = { path: { persona_id: persona.id } };
    this.took(await ok(http.PATCH("/api/personas/{persona_id}", { params, body })));
  }

  took(persona: Persona): void {
    const list = this.list ?? [];
    this.list = list.some(({ id }) => id === persona.id)
      ? list.map((one) => (one.id === persona.id ? persona : one))
      : [...list, persona];
  }

  tookTalk(talk: Conversation): void {
    this.talks = [talk, ...this.talks.filter(({ id }) => id !== talk.id)];
  }

  async begin(persona: string, greeting = 0, others: string[] = []): Promise<Conversation> {
    const body = { persona_id: persona, greeting, others } as Shapes["ConversationNew"];
    const made = await ok(http.POST("/api/conversations", { body }));
    this.tookTalk(made);
    return made;
  }

  /** Into the bin; the notice takes it back. */
  async remove(persona: Persona): Promise<void> {
    const params = { path: { persona_id: persona.id } };
    await ok(http.DELETE("/api/personas/{persona_id}", { params }));
    await this.read();
    this.#binned(persona.name, () =>
      ok(http.POST("/api/personas/{persona_id}/restore", { params })),
    );
  }

  async removeTalk(talk: Conversation): Promise<void> {
    const params = { path: { conversation_id: talk.id } };
    await ok(http.DELETE("/api/conversations/{conversation_id}", { params }));
    await this.read();
    this.#binned(this.titleOf(talk), () =>
      ok(http.POST("/api/conversations/{conversation_id}/restore", { params })),
    );
  }

  #binned(name: string, back: () => Promise<unknown>): void {
    const run = () =>
      void back().then(
        () => this.read(),
        (error) => toasts.error(error),
      );
    toasts.show(
      { kind: "told", sentence: t.removed(name), action: { label: c.undo, run } },
      12_000,
    );
  }
}

export const people = new People();
