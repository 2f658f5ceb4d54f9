// Counting and places in a text. The server counts Unicode characters; the browser counts
// UTF-16 units and shows every line break in a text field as \n.

/** What a text field makes of a stored text. */
export const shown = (stored) => stored.replace(/\r\n?/g, "\n");

/** Characters with punctuation, without white space: what an author calls 字数. */
export function countChars(text) {
  let count = 0;
  for (const char of text) if (!/\s/u.test(char)) count++;
  return count;
}

export const number = (value) => value.toLocaleString("zh-CN");

/** Characters of `stored` before the field's caret at UTF-16 index `caret`. */
export function offsetAt(stored, caret) {
  let index = 0;
  for (let seen = 0; seen < caret && index < stored.length; seen++) {
    index += stored[index] === "\r" && stored[index + 1] === "\n" ? 2 : 1;
  }
  let offset = 0;
  for (const _ of stored.slice(0, index)) offset++;
  return offset;
}

/** The field's UTF-16 index of the character `offset` of `stored`. */
export function caretAt(stored, offset) {
  let index = 0;
  let seen = 0;
  for (const char of stored) {
    if (seen++ >= offset) break;
    index += char.length;
  }
  return shown(stored.slice(0, index)).length;
}

/** ["第十二章", "夜渡"]; the number is empty where a title has none. */
export function splitTitle(title) {
  const found = /^(第\s*\S{1,9}?\s*[章回节節话話幕])[\s　：:·、]*(.*)$/u.exec(title);
  return found ? [found[1], found[2]] : ["", title];
}

export function ago(time) {
  const then = new Date(time);
  const minutes = (Date.now() - then) / 60000;
  if (minutes < 1) return "刚刚";
  if (minutes < 60) return `${Math.floor(minutes)} 分钟前`;
  if (minutes < 1440) return `${Math.floor(minutes / 60)} 小时前`;
  if (minutes < 10080) return `${Math.floor(minutes / 1440)} 天前`;
  return `${then.getMonth() + 1} 月 ${then.getDate()} 日`;
}
