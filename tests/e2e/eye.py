"""What a reader's eye finds wrong on a page: too wide, cut off, in the other language."""

from playwright.sync_api import Page

SEE = """
([language, allowed]) => {
  const HAN = /[\\u3400-\\u9fff]+/g, LATIN = /[A-Za-z]{3,}/g,
    FULL = /[（）：，。、；！？]/g;
  const faults = [];
  const where = element => {
    const name = element.getAttribute('aria-label') || element.textContent.trim();
    const classes = [...element.classList].filter(one => !one.startsWith('svelte-'));
    return [element.localName, ...classes].join('.') + ' "' + name.slice(0, 40) + '"';
  };
  const seen = element =>
    element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) &&
    !element.closest('.sr');

  const heard = window.told.join('\\n');
  const told = heard + heard.replaceAll('{{user}}', '我');

  if (document.documentElement.scrollWidth > innerWidth)
    faults.push(`wider than the window: ${document.documentElement.scrollWidth}`);

  // Cut off: what is clipped, or sticks out of the window where nothing scrolls it in.
  const LABELS = 'button, a.btn, a.tab, h1, h2, h3, h4, legend, summary, th, dt, label, ' +
    '[role=tab], [role=menuitem], .tag, kbd';
  const BOOK = '.ProseMirror, svg, [data-row], [data-book]';
  const scrolled = element => {
    for (let up = element.parentElement; up; up = up.parentElement)
      if (/auto|scroll/.test(getComputedStyle(up).overflowX) && up.scrollWidth > up.clientWidth)
        return true;
    return false;
  };
  for (const element of document.querySelectorAll(LABELS)) {
    if (!seen(element) || element.closest(BOOK)) continue;
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    if (!box.width || style.display === 'inline') continue;
    // Names out of the book may be long; the page's own words may not.
    const name = style.textOverflow === 'ellipsis' && told.includes(element.textContent.trim());
    if (element.scrollWidth > element.clientWidth + 1 && !name)
      faults.push(`cut off: ${where(element)} ${element.scrollWidth} > ${element.clientWidth}`);
    if ((box.right > innerWidth + 1 || box.left < -1) && !scrolled(element))
      faults.push(`out of the window: ${where(element)}`);
  }

  // Words of the page itself are of its language; those of the book and the service are theirs.
  const words = new Set(told.match(HAN) ?? []);
  const foreign = text => language === 'en'
    ? (text.match(HAN) ?? []).filter(run =>
        run.length > 2 ? !told.includes(run) : !words.has(run))
        .concat(/[\\u3400-\\u9fff]/.test(text) ? [] : (text.match(FULL) ?? []))
    : (text.match(LATIN) ?? []).filter(word => !told.includes(word));
  const check = (text, element) => {
    for (const word of new Set(foreign(text)))
      if (!allowed.includes(word)) faults.push(`other language: ${word} in ${where(element)}`);
  };
  const CONTENT = '.ProseMirror, .manuscript, .face, .seal, .avatar, .letter, .ghost, mark, ' +
    ':has(> mark), [role=option] .text, textarea, [aria-live]';
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!element || element.closest(CONTENT) || !element.checkVisibility()) continue;
    check(node.data, element);
  }
  for (const name of ['aria-label', 'title', 'placeholder', 'alt', 'aria-valuetext'])
    for (const element of document.querySelectorAll(`[${name}]`))
      if (element.checkVisibility() && !element.closest(CONTENT))
        check(element.getAttribute(name), element);
  return [...new Set(faults)];
}
"""

ALLOWED = {
    "en": ["砚", "中", "中文"],
    "zh": [
        "Ctrl", "Alt", "Tab", "Esc", "Shift", "Enter", "Del", "Home", "End", "English", "Yanchi",
        "TXT", "Markdown", "DOCX", "EPUB", "PDF", "ZIP", "CSV", "JSONL", "GBK", "UTF", "Big", "LoRA",
        "Qwen", "PEFT", "config", "Jinja", "char", "user",
    ],
}  # fmt: skip
"""Names of keys, formats and languages, which are the same in both."""


def seen_wrong(page: Page, language: str) -> list[str]:
    """Sentences about what is wrong with the page as it stands; empty where nothing is."""
    found: list[str] = page.evaluate(SEE, [language, ALLOWED[language]])
    return found
