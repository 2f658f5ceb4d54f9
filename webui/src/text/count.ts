/** Words as Chinese platforms count them: every character but white space, punctuation in. */

/** Code points of `text` that are not white space. */
export function chars(text: string): number {
  let n = 0;
  for (const c of text) if (!/\s/u.test(c)) n++;
  return n;
}

/** 汉字 alone. */
export function han(text: string): number {
  return text.match(/\p{Script=Han}/gu)?.length ?? 0;
}
