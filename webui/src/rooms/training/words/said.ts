/** What the server says of a recipe, a run and an evaluation, in English; its own sentences are
 * Chinese. Each by its code, from the facts that come with it. */

import { look } from "$/state/look.svelte";
import { count } from "$/words/index.svelte";
import { bytes, duration } from "../amounts";

export type Facts = Record<string, unknown>;

/** The sentence in the author's language; the server's own where nobody has put it into English. */
export function told(says: string | undefined, facts: Facts | undefined, sentence: string): string {
  const english = look.language === "en" && says ? ENGLISH[says] : undefined;
  return english && facts ? english(facts) : sentence;
}

const whole = (value: unknown) => count(Math.round(Number(value)));
const short = (value: unknown) => String(Number(Number(value).toPrecision(3)));
const signed = (value: unknown) => (Number(value) < 0 ? "" : "+") + Number(value).toFixed(3);
const percent = (value: unknown) => `${(100 * Number(value)).toFixed(1)}%`;
const list = (value: unknown) => (value as string[]).join(", ");
const how = (f: Facts) => (f.measured ? "measured" : "estimated");

const rows = (f: Facts) =>
  `${whole(f.rows)} samples an epoch, ${whole(f.tokens)} tokens, ${whole(f.learned)} of them learned`;
const lengths = (f: Facts) => `99% within ${whole(f.p99)}, the longest ${whole(f.longest)}`;
const fits = (f: Facts) => `No sample is longer than ${whole(f.length)} tokens (${lengths(f)})`;
const longer = (f: Facts) =>
  `${percent(f.share)} of the samples are longer than ${whole(f.length)} tokens`;
const epochs = (f: Facts) =>
  `${whole(f.rows)} samples usually take ${whole(f.low)}–${whole(f.high)} epochs`;
const rate = (f: Facts) => `The usual learning rate is ${short(f.low)}–${short(f.high)}`;
const steps = (f: Facts) => `${whole(f.steps)} steps of ${whole(f.batch)} samples`;
const time = (f: Facts) =>
  `About ${duration(Number(f.seconds))} (${how(f)}, ${whole(f.rate)} tokens a second)`;
const memory = (f: Facts) =>
  `${f.device === "cuda" ? "GPU memory" : "Memory"}: ${bytes(Number(f.peak))} at most (${how(f)}), ` +
  `${bytes(Number(f.memory))} there`;
const rank = (f: Facts) =>
  f.rank === f.told ? `Rank ${f.rank}` : `Rank ${f.rank} (PiSSA’s ${f.told}, doubled)`;
const size = (f: Facts) => `Published, the adapter takes about ${bytes(Number(f.bytes))}`;
const margin = (f: Facts) => `difference ${signed(f.mean)} (${signed(f.low)} to ${signed(f.high)})`;
const loops = (f: Facts) =>
  `seq-rep-4, ${whole(f.texts)} texts; going round in circles: from ${f.before} to ${f.after}`;
const votes = (what: string) => (f: Facts) =>
  `Judged by ${what}: ${short(f.score)} against the base over ${whole(f.cases)} prompts ` +
  `(0.5 is a draw), ${margin(f)}`;

export const ENGLISH: Record<string, (facts: Facts) => string> = {
  // the advisor: what there is to learn
  "rows.none": (f) => `None of the ${whole(f.rows)} samples can be learned.`,
  "rows.few": (f) => `${rows(f)}: too few for a style, enough to try how it goes.`,
  "rows.enough": (f) => `${rows(f)}.`,
  "rows.unlearnable": (f) =>
    `About ${whole(f.count)} samples cannot be learned and are passed over; most often: ${f.reason}.`,
  "held_out.none": () =>
    "Nothing is held out: nobody can see when it only learns by heart, or which step was best.",
  "length.window": (f) => `The base’s window is ${whole(f.window)} tokens; no length beyond it.`,
  "length.refuse": (f) => `${longer(f)} and are left out (${lengths(f)}).`,
  "length.cut": (f) => `${longer(f)} and are cut (${lengths(f)}).`,
  "length.packing": (f) => `${fits(f)}; packing pays where two fit into a row.`,
  "length.fits": (f) => `${fits(f)}.`,
  "length.pieces": (f) =>
    `Books are cut into pieces of ${whole(f.length)} tokens; nothing is lost.`,
  "length.unusual": (f) => `The usual pieces have ${whole(f.low)}–${whole(f.high)} tokens.`,
  // the advisor: the settings
  "epochs.usual": (f) => `${epochs(f)}.`,
  "epochs.many": (f) => `${epochs(f)}; with ${short(f.value)} it will learn by heart.`,
  "epochs.few": (f) => `${epochs(f)}; ${short(f.value)} will not be enough.`,
  "rate.usual": (f) => `${rate(f)}.`,
  "rate.high": (f) => `${rate(f)}; more of it spoils the base.`,
  "rate.low": (f) => `${rate(f)}; less of it learns nothing.`,
  "rank.usual": (f) => `For ${whole(f.rows)} samples the usual rank is ${f.advised}.`,
  "alpha.usual": () => "Alpha is usually twice the rank, within 16–32.",
  "dropout.usual": () => "Dropout is usually within 0–0.02.",
  "targets.all": () => "All linear layers are trained.",
  "targets.some": () => "Training all linear layers usually learns better.",
  "targets.heads": (f) =>
    `${list(f.names)} belong to the vocabulary; the engine cannot load them as an adapter.`,
  "targets.unknown": (f) =>
    `The base has no linear layers called ${list(f.names)}; it has ${list(f.known)}.`,
  "steps.enough": (f) => `${steps(f)}.`,
  "steps.few": (f) => `${steps(f)}: too few; train for more epochs.`,
  "steps.accumulate": (f) => `${steps(f)}: too few; accumulate ${f.fewer} batches instead.`,
  "samples.written": (f) => `A text is tried every ${whole(f.every)} steps.`,
  "samples.none": () =>
    "No text is tried on the way: empty or circling texts show only at the end.",
  // the advisor: what it costs, what the server takes
  "time.fine": (f) => `${time(f)}.`,
  "time.long": (f) => `${time(f)}: fewer epochs, a smaller base or a GPU would help.`,
  "memory.fine": (f) => `${memory(f)}.`,
  "memory.tight": (f) => `${memory(f)}: tight; close other programs first.`,
  "memory.over": (f) =>
    `${memory(f)}: it does not fit; lower batch or length, or turn checkpoint_activations on.`,
  "probe.failed": (f) => `The trial steps did not work. (${f.reason})`,
  "served_as.model": (f) =>
    `${f.kind} changes the whole model: serve it with yanchi serve --model; it is no adapter. ` +
    "LoRA can be changed and taken back at any time.",
  "kind.dora": () =>
    "The engine cannot serve DoRA as an adapter: it has to be merged into the model " +
    "(yanchi adapters merge). rsLoRA can be published as it is.",
  "kind.qlora": () =>
    "QLoRA trains on a base of four bits and is served on the whole one: compare once published.",
  "kind.converted": (f) => `${f.kind}: becomes a plain LoRA when it is published.`,
  "kind.served": (f) => `${f.kind}: the engine can serve it as it is.`,
  "rank.merged": (f) => `Rank ${f.rank}: merged into the model, no rank is too large.`,
  "rank.over": (f) => `${rank(f)} is beyond the engine’s ${f.most}; lower it.`,
  "rank.desk": (f) =>
    `${rank(f)} is beyond the desk’s usual ${f.most}: serving needs ` +
    `YANCHI_MAX_LORA_RANK=${f.served} and is a little slower.`,
  "rank.filled": (f) =>
    `${rank(f)} is served as ${f.served}, just as fast: it may as well be that.`,
  "rank.served": (f) => `${rank(f)}: the engine can serve it.`,
  "bytes.fine": (f) => `${size(f)}.`,
  "bytes.large": (f) =>
    `${size(f)}, more than the ${bytes(Number(f.most))} that can be shipped with the project; ` +
    `to ship it, lower the rank to ${f.rank}.`,
  // a run while it goes
  "alarm.loss_flat": (f) =>
    `After ${whole(f.steps)} steps the loss has hardly fallen (${short(f.before)} → ${short(f.now)}): ` +
    "is the learning rate too low, or has everything been learned already?",
  "alarm.eval_rising": (f) =>
    `Since step ${whole(f.at)} the held-out loss rises (${short(f.best)} → ${short(f.loss)}): it learns ` +
    `by heart. It can be stopped; step ${whole(f.at)} is kept. Next time: fewer epochs or a lower rate.`,
  "alarm.no_better": (f) =>
    `In the end the held-out loss is not below what it was before (${short(f.best)}): not worth ` +
    "publishing. Try another rate, other epochs, or more data.",
  "alarm.empty_output": (f) =>
    `The text tried at step ${whole(f.step)} is empty: are there empty answers in the data? ` +
    "Or lower the learning rate.",
  "alarm.repetition": (f) =>
    `The text tried at step ${whole(f.step)} goes round in circles: trained too far; fewer epochs or a ` +
    "lower learning rate.",
  // what judging found
  "found.perplexity": (f) =>
    `Perplexity per character of the held-out text from ${short(f.before)} to ${short(f.after)}, ` +
    `${margin(f)} nats`,
  "found.repetition": (f) => `Repetition in the answers (${loops(f)}), ${margin(f)}`,
  "found.rouge": (f) => `Overlap with the original (ROUGE-L, by character), ${margin(f)}`,
  "found.long": (f) => `Repetition at ${whole(f.length)} characters (${loops(f)}), ${margin(f)}`,
  "found.style": (f) => `Each text’s distance from the author’s style, ${margin(f)}`,
  "found.copied": (f) =>
    `Recites the training set: ${whole(f.longest)} characters at the longest, ${percent(f.share)} ` +
    "of all text",
  "found.general": (f) =>
    `Questions of general ability answered rightly: ${percent(f.before)} → ${percent(f.after)}, ${margin(f)}`,
  "found.judge_logic": votes("logic"),
  "found.judge_background": votes("background"),
  "found.judge_style": votes("style"),
};
