/** How samples are to be made: each maker with its options, as the author has set them. */

import { http, ok, type Shapes } from "$/api/client";
import { ASKING, tryNext, variantOf, type Asking, type Tried } from "./asking";
import type { Draft } from "./draft.svelte";
import type { Job } from "./job.svelte";

export const KINDS = [
  "script",
  "novel",
  "summaries",
  "dialogue",
  "qa",
  "augment",
  "context",
  "import",
  "selfknowledge",
  "preferences",
  "mix",
] as const;
export type Kind = (typeof KINDS)[number];
export const TASKS = ["续写", "扩写", "改写", "按梗概写", "开篇", "原文"] as const;
/** Tasks that ask by what was made of each piece before. */
const BY_MADE: readonly string[] = ["扩写", "改写", "按梗概写"];
/** Kinds that read no texts. */
const TEXTLESS: readonly Kind[] = ["selfknowledge", "preferences", "mix"];
/** Kinds that the served model makes; their ways of asking can be tried. */
const ASKS: readonly Kind[] = ["summaries", "dialogue", "qa", "augment"];

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
    made: "",
    shortest: 100,
    system: "",
  });
  summaries = $state({ draft: false });
  dialogue = $state({ role: "", turns: 4, aliases: "", system: "" });
  qa = $state({ closed: false });
  augment = $state({ count: 40, similar: 0.5, seed: 0 });
  context = $state({
    limit: 2048,
    found: 0.6,
    distracted: 0.2,
    empty: 0.2,
    made: "",
    shortest: 100,
    seed: 0,
  });
  /** How many pieces a way of asking is tried on. */
  sample = $state(3);
  import = $state({ format: "", instruction: "joined", work: "" });
  selfknowledge = $state({
    role: "",
    description: "",
    count: null as number | null,
    seed: 0,
    maker: "",
    system: "",
  });
  preferences = $state({ method: "dpo" });
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

  /** Whether a novel's tasks ask by summaries or drafts. */
  get byMade(): boolean {
    return this.novel.task.some((task) => BY_MADE.includes(task));
  }

  get asks(): boolean {
    return ASKS.includes(this.kind);
  }

  /** Drafts are asked for in other ways than summaries. */
  get #questions(): string {
    return this.kind === "summaries" && this.summaries.draft ? "drafts" : this.kind;
  }

  asking({ asking }: Draft): Asking {
    return { ...ASKING, ...asking[this.#questions] };
  }

  ask(draft: Draft, change: Partial<Asking>): void {
    draft.asking[this.#questions] = { ...this.asking(draft), ...change };
  }

  /** Names of what is still missing, for the sentence beside the button. */
  missing(draft: Draft): Missing[] {
    const { kind } = this;
    const found: Missing[] = this.name.trim() ? [] : ["datasetName"];
    if (!TEXTLESS.includes(kind) && !hasTexts(draft)) found.push("texts");
    if (kind === "script" && !this.script.role.trim()) found.push("whose");
    if (kind === "dialogue" && !this.dialogue.role.trim()) found.push("whose");
    if (kind === "novel" && !this.novel.task.length) found.push("tasks");
    if (kind === "novel" && this.byMade && !this.novel.made) found.push("fromSummaries");
    if (kind === "mix" && !weighed(this.parts).length) found.push("made");
    if (kind === "selfknowledge") {
      if (!this.selfknowledge.role.trim()) found.push("who");
      if (!this.selfknowledge.description.trim()) found.push("whoTold");
    }
    return found;
  }

  /** What the server is asked for. */
  body(draft: Draft): object {
    const head = { maker: this.kind, name: this.name.trim() };
    const whole = { ...head, replace: this.replace, options: this.#options(draft) };
    if (this.kind === "mix") return { ...whole, parts: weighed(this.parts) };
    if (TEXTLESS.includes(this.kind)) return whole;
    const { replace, ...bare } = { ...whole, ...texts(draft) };
    const told = this.kind === "summaries" ? bare : { ...bare, replace };
    return this.asks ? { ...told, variant: variantOf(this.asking(draft)) } : told;
  }

  /** What the server is asked for to try ways of asking on a few pieces. */
  trial(draft: Draft, tried: Tried | null): object {
    const { length } = this.novel;
    const options =
      this.kind === "augment"
        ? { seed: this.augment.seed }
        : { length, ...(this.kind === "summaries" && this.summaries) };
    const variants = tryNext(this.asking(draft), tried);
    return { maker: this.kind, ...texts(draft), options, variants, sample: this.sample };
  }

  #options(draft: Draft): object {
    // Summaries are of the pieces that a novel is cut into.
    const { length } = this.novel;
    switch (this.kind) {
      case "script":
        return aliased(this.script);
      case "novel":
        return { ...this.novel, made: (this.byMade && this.novel.made) || null };
      case "summaries":
        return { ...this.summaries, length };
      case "dialogue":
        return { ...aliased(this.dialogue), length };
      case "qa":
        return { ...this.qa, length };
      case "augment":
        return { ...this.augment };
      case "context": {
        const base = String(draft.recipe.base ?? "");
        return { ...this.context, base, length, made: this.context.made || null };
      }
      case "import":
        return { ...this.import, format: this.import.format || null };
      case "selfknowledge":
        return { ...this.selfknowledge };
      case "preferences":
        return { ...this.preferences, work: draft.work ? [draft.work] : [] };
      case "mix":
        return {};
    }
  }
}

type Missing =
  "datasetName" | "texts" | "whose" | "who" | "whoTold" | "tasks" | "fromSummaries" | "made";

export const hasTexts = (draft: Draft): boolean => draft.uploads.length > 0 || draft.work !== null;

const texts = (draft: Draft) => ({
  uploads: draft.uploads.map((each) => each.id),
  work_id: draft.work,
});

function aliased<T extends { aliases: string }>({ aliases, ...options }: T) {
  return { ...options, alias: lines(aliases) };
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

/** Asks for a trial; the answer is the job that makes it. */
export function attempt(body: object): Promise<Job> {
  return ok(http.POST("/api/datasets/trials", { body: body as Shapes["SummariesTrial"] }));
}

export const maker = new Maker();
