/** How samples are to be made: each maker with its options, as the author has set them. */

import { http, ok, type Shapes } from "$/api/client";
import type { Draft } from "./draft.svelte";
import type { Job } from "./job.svelte";

export const KINDS = ["script", "novel", "import", "selfknowledge", "mix"] as const;
export type Kind = (typeof KINDS)[number];
export const TASKS = ["续写", "扩写", "改写", "按梗概写", "原文"] as const;

export class Maker {
  kind = $state<Kind>("script");
  name = $state("");
  replace = $state(false);
  /** Everybody who was found to speak in the uploads. */
  roles = $state<string[]>([]);
  script = $state({
    role: "",
    turns: "4",
    aliases: "",
    guess: false,
    names: "auto",
    directions: true,
    events: true,
    opening: "setting",
    whole_scenes: false,
    together: "scene",
    system: "",
  });
  novel = $state({
    task: ["续写"] as string[],
    length: 800,
    before: 1600,
    across: false,
    format: "apart",
    shortest: 100,
    system: "",
  });
  import = $state({ format: "", instruction: "joined", work: "" });
  selfknowledge = $state({
    role: "",
    description: "",
    count: null as number | null,
    seed: 0,
    maker: "",
    system: "",
  });
  /** Weights by the sets' names; 0 leaves a set out. */
  parts = $state<Record<string, number>>({});

  meet(names: string[]): void {
    this.roles = [...new Set([...this.roles, ...names])];
  }

  /** The task that makes plain text stands alone. */
  setTask(task: string, on: boolean): void {
    const { novel } = this;
    if (!on) novel.task = novel.task.filter((each) => each !== task);
    else if (task === "原文") novel.task = [task];
    else novel.task = [...novel.task.filter((each) => each !== "原文"), task];
  }

  /** Names of what is still missing, for the sentence beside the button. */
  missing(
    draft: Draft,
  ): ("datasetName" | "texts" | "whose" | "who" | "whoTold" | "tasks" | "made")[] {
    const texts = draft.uploads.length > 0 || draft.work !== null;
    const found: ReturnType<Maker["missing"]> = [];
    if (!this.name.trim()) found.push("datasetName");
    if (!texts && (this.kind === "script" || this.kind === "novel" || this.kind === "import"))
      found.push("texts");
    if (this.kind === "script" && !this.script.role.trim()) found.push("whose");
    if (this.kind === "novel" && !this.novel.task.length) found.push("tasks");
    if (this.kind === "mix" && !weighed(this.parts).length) found.push("made");
    if (this.kind === "selfknowledge") {
      if (!this.selfknowledge.role.trim()) found.push("who");
      if (!this.selfknowledge.description.trim()) found.push("whoTold");
    }
    return found;
  }

  /** What the server is asked for. */
  body(draft: Draft): object {
    const texts = { uploads: draft.uploads.map((each) => each.id), work_id: draft.work };
    const head = { maker: this.kind, name: this.name.trim(), replace: this.replace };
    switch (this.kind) {
      case "script": {
        const { aliases, ...options } = this.script;
        return { ...head, ...texts, options: { ...options, alias: lines(aliases) } };
      }
      case "novel":
        return { ...head, ...texts, options: { ...this.novel } };
      case "import":
        return {
          ...head,
          ...texts,
          options: { ...this.import, format: this.import.format || null },
        };
      case "selfknowledge":
        return { ...head, options: { ...this.selfknowledge } };
      case "mix":
        return { ...head, parts: weighed(this.parts), options: {} };
    }
  }
}

function lines(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim().replace("＝", "="))
    .filter(Boolean);
}

function weighed(parts: Record<string, number>): { name: string; weight: number }[] {
  return Object.entries(parts)
    .filter(([, weight]) => weight > 0)
    .map(([name, weight]) => ({ name, weight }));
}

/** Asks for a data set; the answer is the job that makes it. */
export function build(body: object): Promise<Job> {
  return ok(http.POST("/api/datasets", { body: body as Shapes["ScriptIn"] }));
}

export const maker = new Maker();
