/** Where a chapter or a volume can be sent by number. Pure. */

import { placed, volumePlaced, type Order } from "$/state/order";

export function isVolume(order: Order, id: string): boolean {
  return order.volumes.some((volume) => volume.id === id);
}

/** Those that it would stand among in `volume` (null: none): the volumes, for a volume. */
export function others(order: Order, id: string, volume: string | null): string[] {
  const group = order.volumes.find((one) => one.id === volume)?.chapters ?? order.loose;
  const all = isVolume(order, id) ? order.volumes.map((one) => one.id) : group;
  return all.filter((one) => one !== id);
}

/** It as the `n`th, from 1, among them; beyond them, the last. */
export function sent(order: Order, id: string, volume: string | null, n: number): Order {
  const before = others(order, id, volume)[n - 1] ?? null;
  return isVolume(order, id) ? volumePlaced(order, id, before) : placed(order, id, volume, before);
}

/** Where it stands: its volume, and as the how manyth. */
export function standing(order: Order, id: string): { volume: string | null; n: number } {
  const home = order.volumes.find((one) => one.chapters.includes(id));
  const all = isVolume(order, id)
    ? order.volumes.map((one) => one.id)
    : (home?.chapters ?? order.loose);
  return { volume: home?.id ?? null, n: all.indexOf(id) + 1 };
}
