/** The order of a book: chapters in no volume come first, then each volume's. Pure; ids only. */

export interface Order {
  loose: string[];
  volumes: { id: string; chapters: string[] }[];
}

interface VolumeRow {
  id: string;
}
interface ChapterRow {
  id: string;
  volume_id: string | null;
}

/** The order that these rows stand in. */
export function orderOf(volumes: readonly VolumeRow[], chapters: readonly ChapterRow[]): Order {
  const groups = new Map<string, string[]>(volumes.map((volume) => [volume.id, []]));
  const loose: string[] = [];
  for (const { id, volume_id } of chapters) (groups.get(volume_id ?? "") ?? loose).push(id);
  return { loose, volumes: [...groups].map(([id, chapters]) => ({ id, chapters })) };
}

/** The rows in this order; what it does not name goes to the end of its own place. */
export function inOrder<V extends VolumeRow, C extends ChapterRow>(
  order: Order,
  volumes: readonly V[],
  chapters: readonly C[],
): { volumes: V[]; chapters: C[] } {
  const places = new Map(order.volumes.map((volume, n) => [volume.id, n]));
  const last = (n: number | undefined) => n ?? Infinity;
  const rows = [...volumes].sort((a, b) => compare(last(places.get(a.id)), last(places.get(b.id))));
  const found = new Map(chapters.map((chapter) => [chapter.id, chapter]));
  const told = [
    ...order.loose.map((id) => [id, null] as const),
    ...order.volumes.flatMap((v) => v.chapters.map((id) => [id, v.id] as const)),
  ];
  const ordered: C[] = [];
  for (const [id, volume_id] of told) {
    const row = found.get(id);
    if (!row || !found.delete(id)) continue;
    ordered.push(row.volume_id === volume_id ? row : { ...row, volume_id });
  }
  const whole = orderOf(rows, [...ordered, ...found.values()]);
  const all = new Map([...ordered, ...found.values()].map((chapter) => [chapter.id, chapter]));
  const ids = [...whole.loose, ...whole.volumes.flatMap((volume) => volume.chapters)];
  return { volumes: rows, chapters: ids.map((id) => all.get(id)!) };
}

const compare = (a: number, b: number) => (a === b ? 0 : a - b);

/** A chapter put into `volume` (null: none), before another of it or at its end. */
export function placed(
  order: Order,
  id: string,
  volume: string | null,
  before: string | null,
): Order {
  const into = (chapters: string[]) => {
    const others = chapters.filter((one) => one !== id);
    const at = before === null ? -1 : others.indexOf(before);
    others.splice(at < 0 ? others.length : at, 0, id);
    return others;
  };
  const without = (chapters: string[]) => chapters.filter((one) => one !== id);
  return {
    loose: (volume === null ? into : without)(order.loose),
    volumes: order.volumes.map((one) => ({
      id: one.id,
      chapters: (one.id === volume ? into : without)(one.chapters),
    })),
  };
}

/** A volume with all its chapters put before another, or at the end. */
export function volumePlaced(order: Order, id: string, before: string | null): Order {
  const moved = order.volumes.find((volume) => volume.id === id);
  if (!moved || before === id) return order;
  const volumes = order.volumes.filter((volume) => volume.id !== id);
  const at = volumes.findIndex((volume) => volume.id === before);
  volumes.splice(at < 0 ? volumes.length : at, 0, moved);
  return { loose: order.loose, volumes };
}

/** A chapter or a volume one step up or down, over the edges of volumes; null at the very end. */
export function stepped(order: Order, id: string, by: 1 | -1): Order | null {
  const volume = order.volumes.findIndex((one) => one.id === id);
  if (volume >= 0) {
    if (!order.volumes[volume + by]) return null;
    const before = order.volumes[by > 0 ? volume + 2 : volume - 1];
    return volumePlaced(order, id, before?.id ?? null);
  }
  const groups = [{ id: null, chapters: order.loose }, ...order.volumes];
  const here = groups.findIndex((group) => group.chapters.includes(id));
  const group = groups[here];
  if (!group) return null;
  const at = group.chapters.indexOf(id);
  if (group.chapters[at + by] !== undefined) {
    const before = group.chapters[by > 0 ? at + 2 : at - 1];
    return placed(order, id, group.id, before ?? null);
  }
  const next = groups[here + by];
  return next ? placed(order, id, next.id, by > 0 ? (next.chapters[0] ?? null) : null) : null;
}

/** The order with a volume empty: its chapters stay where they are told, in what stands above it. */
export function emptied(order: Order, id: string): Order {
  const at = order.volumes.findIndex((volume) => volume.id === id);
  const left = order.volumes[at]?.chapters ?? [];
  return {
    loose: at === 0 ? [...order.loose, ...left] : order.loose,
    volumes: order.volumes.map((volume, n) => {
      if (n === at) return { id, chapters: [] };
      return n === at - 1 ? { id: volume.id, chapters: [...volume.chapters, ...left] } : volume;
    }),
  };
}
