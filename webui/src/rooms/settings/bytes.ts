/** `3.2 MB`: bytes as people read them, in powers of ten as file managers do. */
export function size(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let at = 0;
  let left = bytes;
  for (; left >= 999.5 && at < units.length - 1; at++) left /= 1000;
  return `${at === 0 || left >= 99.95 ? Math.round(left) : left.toFixed(1)} ${units[at]}`;
}
