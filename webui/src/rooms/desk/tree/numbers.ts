/** The number that follows in a label: 第十二章 → 第十三章, 第09回 → 第10回. */

const DIGITS = "零一二三四五六七八九";
const UNITS: Record<string, number> = { 十: 10, 百: 100, 千: 1000 };
const LARGEST = 9999;

/** Empty where `label` has no number that is understood. */
export function following(label: string): string {
  const digits = /\d+(?=\D*$)/.exec(label);
  if (digits) {
    const next = String(Number(digits[0]) + 1).padStart(digits[0].length, "0");
    return label.slice(0, digits.index) + next + label.slice(digits.index + digits[0].length);
  }
  const told = /[〇零一二两三四五六七八九十百千]+/.exec(label);
  const number = told ? valueOf(told[0]) : null;
  if (!told || number === null || number >= LARGEST) return "";
  return (
    label.slice(0, told.index) + chinese(number + 1) + label.slice(told.index + told[0].length)
  );
}

/** The number that a label tells: 第十二章 is 12; null for none. */
export function numberOf(label: string): number | null {
  const told = /\d+|[〇零一二两三四五六七八九十百千]+/.exec(label)?.[0];
  if (told === undefined) return null;
  return /\d/.test(told) ? Number(told) : valueOf(told);
}

/** 1 to 9999 as it is said: 十二, 一百零三. */
export function chinese(number: number): string {
  let said = "";
  let gap = false;
  for (const [unit, size] of [
    ["千", 1000],
    ["百", 100],
    ["十", 10],
    ["", 1],
  ] as const) {
    const digit = Math.floor(number / size) % 10;
    if (digit === 0) gap = said !== "";
    else {
      said += (gap ? "零" : "") + DIGITS[digit] + unit;
      gap = false;
    }
  }
  return said.replace(/^一十/, "十");
}

/** What Chinese numerals mean; null where they are none that `chinese` could say. */
function valueOf(said: string): number | null {
  let value = 0;
  let digit = 0;
  for (const sign of said.replaceAll("〇", "零").replaceAll("两", "二")) {
    const unit = UNITS[sign];
    if (unit === undefined) digit = DIGITS.indexOf(sign);
    else {
      value += (digit || 1) * unit;
      digit = 0;
    }
  }
  value += digit;
  return chinese(value) === said.replaceAll("〇", "零").replaceAll("两", "二") ? value : null;
}
