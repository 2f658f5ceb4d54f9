/** The documents of the open book, and one question to them and to its text. */

import { refusal, stream, upload, type Shapes } from "$/api/client";
import { toasts } from "$/state/toasts.svelte";
import { ask, of } from "../ask";

export type Document = Shapes["DocumentOut"];
export interface Where {
  document_id: string | null;
  document: string;
  chapter_id: string | null;
  chapter: string;
  page: number | null;
  position: number;
  text: string;
}
export interface Answer {
  found: boolean;
  answer: string;
  unproved: string;
  quotes: Where[];
  invented: string[];
}

export class Documents {
  list = $state.raw<Document[] | null>(null);
  error = $state<string | null>(null);
  /** The file that is being read. */
  adding = $state<string | null>(null);
  readonly work: string;

  constructor(work: string) {
    this.work = work;
  }

  async read(): Promise<void> {
    try {
      this.list = await ask<Document[]>("get", of(this.work, "documents"));
      this.error = null;
    } catch (error) {
      this.error = error instanceof Error ? error.message : String(error);
    }
  }

  /** One after the other; one that cannot be read does not keep the others out. */
  async add(files: Iterable<File>): Promise<void> {
    for (const file of files) {
      this.adding = file.name;
      const form = new FormData();
      form.append("file", file);
      try {
        await upload<Document>(of(this.work, "documents"), form);
      } catch (error) {
        toasts.error(error);
      }
    }
    this.adding = null;
    await this.read();
  }

  async remove(document: Document): Promise<void> {
    try {
      await ask("delete", `/api/documents/${document.id}`);
    } catch (error) {
      toasts.error(error);
    }
    await this.read();
  }
}

export class Question {
  busy = $state(false);
  stopped = $state(false);
  passages = $state.raw<Where[]>([]);
  /** As it comes, before its quotes are looked up. */
  said = $state("");
  answer = $state.raw<Answer | null>(null);
  error = $state<string | null>(null);
  #ended: AbortController | null = null;

  async ask(work: string, question: string, text: boolean): Promise<void> {
    this.stop();
    const ended = (this.#ended = new AbortController());
    Object.assign(this, { busy: true, stopped: false, said: "", answer: null, error: null });
    this.passages = [];
    try {
      for await (const { event, data } of stream(of(work, "ask"), { question, text }, ended.signal))
        this.#take(event, data);
    } catch (error) {
      if (ended.signal.aborted) this.stopped = true;
      else this.error = error instanceof Error ? error.message : String(error);
    } finally {
      if (this.#ended === ended) this.busy = false;
    }
  }

  stop(): void {
    this.#ended?.abort();
    this.#ended = null;
    this.busy = false;
  }

  #take(event: string, data: unknown): void {
    if (event === "passages") this.passages = (data as { passages: Where[] }).passages;
    else if (event === "delta") this.said += (data as { text: string }).text;
    else if (event === "done") this.answer = data as Answer;
    else if (event === "error") throw refusal(data, 503);
  }
}
