/** `{@attach onEscape(close)}`: Esc within an element, unless it is the input method's or a
 *  dialog's that is open inside it. */
export function onEscape(then: () => void) {
  return (element: HTMLElement) => {
    const keyed = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || event.isComposing || event.defaultPrevented) return;
      if (event.target instanceof Element && event.target.closest("dialog")) return;
      event.preventDefault();
      then();
    };
    element.addEventListener("keydown", keyed);
    return () => element.removeEventListener("keydown", keyed);
  };
}
