/** A recipe in the page: a plain object as its YAML has it, with defaults left out or in. */

export interface Recipe {
  [key: string]: unknown;
}

type Kind = "text" | "number" | "integer" | "choice" | "switch";

export interface Field {
  /** `tuning.rank`: how the advisor and the refusals name it. */
  key: string;
  kind: Kind;
  /** What stands where the recipe says nothing. */
  usual: string | number | boolean | null;
  choices?: readonly string[];
  /** The fields that an author looks at first. */
  main?: true;
}

export const FIELDS: readonly Field[] = [
  { key: "base", kind: "choice", usual: "", main: true },
  {
    key: "method",
    kind: "choice",
    usual: "sft",
    choices: ["sft", "pretrain", "dpo", "kto"],
    main: true,
  },
  {
    key: "tuning.kind",
    kind: "choice",
    usual: "lora",
    choices: ["lora", "rslora", "dora", "pissa", "qlora", "full", "galore", "badam"],
    main: true,
  },
  { key: "tuning.rank", kind: "integer", usual: 16, main: true },
  { key: "tuning.alpha", kind: "number", usual: 32, main: true },
  { key: "learning_rate", kind: "number", usual: 1e-4, main: true },
  { key: "epochs", kind: "number", usual: 3, main: true },
  { key: "length", kind: "integer", usual: 1024, main: true },
  { key: "held_out", kind: "number", usual: null, main: true },
  { key: "batch", kind: "integer", usual: 1 },
  { key: "accumulate", kind: "integer", usual: 8 },
  { key: "packing", kind: "switch", usual: false },
  { key: "steps", kind: "integer", usual: null },
  { key: "tuning.dropout", kind: "number", usual: 0 },
  { key: "tuning.lora_plus_ratio", kind: "number", usual: null },
  { key: "too_long", kind: "choice", usual: "refuse", choices: ["refuse", "cut"] },
  { key: "schedule", kind: "choice", usual: "cosine", choices: ["cosine", "linear", "constant"] },
  { key: "warmup", kind: "number", usual: 0.03 },
  { key: "weight_decay", kind: "number", usual: 0 },
  { key: "clip", kind: "number", usual: 1 },
  { key: "seed", kind: "integer", usual: 0 },
  { key: "dtype", kind: "choice", usual: "auto", choices: ["auto", "bf16", "fp32"] },
  { key: "checkpoint_activations", kind: "switch", usual: false },
  { key: "evaluate_every", kind: "integer", usual: 50 },
  { key: "sample_every", kind: "integer", usual: 0 },
  { key: "save_every", kind: "integer", usual: 50 },
  { key: "keep", kind: "integer", usual: 2 },
  { key: "continue_from", kind: "text", usual: null },
];

export const FIELD = new Map(FIELDS.map((field) => [field.key, field]));

export function get(recipe: Recipe, key: string): unknown {
  return key
    .split(".")
    .reduce<unknown>((at, part) => (at as Recipe | null | undefined)?.[part], recipe);
}

/** The recipe with another value; null, "" and undefined leave the field to its default. */
export function set(recipe: Recipe, key: string, value: unknown): Recipe {
  const [first = "", ...rest] = key.split(".");
  const { [first]: old, ...others } = recipe;
  const inner = rest.length
    ? set(isObject(old) ? old : {}, rest.join("."), value)
    : value === "" || value === null
      ? undefined
      : value;
  const empty = inner === undefined || (isObject(inner) && Object.keys(inner).length === 0);
  if (empty) return others;
  // A known key stays where it stood, so that the text beside the form does not jump.
  return { ...recipe, [first]: inner };
}

function isObject(value: unknown): value is Recipe {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What an author typed as the field's value; NaN where it is no number. */
export function typed(field: Field, text: string): string | number | null {
  const told = text.trim();
  if (told === "") return null;
  if (field.kind !== "number" && field.kind !== "integer") return told;
  const value = Number(told);
  return field.kind === "integer" && !Number.isInteger(value) ? NaN : value;
}

/** `1e-4` rather than `0.0001`: how learning rates are spoken of. */
export function shown(value: unknown): string {
  if (typeof value !== "number") return value === null || value === undefined ? "" : String(value);
  if (value !== 0 && Math.abs(value) < 0.001) return value.toExponential();
  return String(value);
}

/** The data sets that a recipe names, in all the ways it may name them. */
export function dataOf(recipe: Recipe): string[] {
  const told = Array.isArray(recipe.data) ? recipe.data : recipe.data ? [recipe.data] : [];
  return told.map((each) => (isObject(each) ? String(each.path) : String(each)));
}

/** A name that an adapter can have, made of what an author calls it. */
export function adapterName(title: string): string {
  const plain = title
    .normalize("NFKD")
    .replace(/[^A-Za-z0-9_-]+/g, "-")
    .replace(/^[-_]+|-+$/g, "");
  return plain.slice(0, 64) || "voice";
}

export interface Advised {
  key: string;
  level: "ok" | "note" | "warn" | "stop";
  sentence: string;
  value: unknown;
  advised: unknown;
  /** Which sentence it is, and what it tells. */
  says?: string;
  facts?: Record<string, unknown>;
}

/** The advisor's sentences: beside their fields, and those about the whole. `served_as` is about the kind. */
export function placed(advice: readonly Advised[]): {
  fields: Map<string, Advised>;
  whole: Advised[];
} {
  const fields = new Map<string, Advised>();
  const whole: Advised[] = [];
  for (const each of advice) {
    const key = each.key === "served_as" ? "tuning.kind" : each.key;
    if (FIELD.has(key) && !fields.has(key)) fields.set(key, { ...each, key });
    else whole.push({ ...each, key });
  }
  return { fields, whole };
}

/** Whether what is advised differs from what is, so that taking it would change something. */
export function canTake(each: Advised): boolean {
  return (
    each.level !== "ok" &&
    each.advised !== null &&
    each.advised !== undefined &&
    FIELD.has(each.key) &&
    JSON.stringify(each.advised) !== JSON.stringify(each.value)
  );
}
