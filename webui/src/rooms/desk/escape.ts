/** `{@attach onEscape(close)}`: Esc within an element, unless it is the input method's. */
export function onEscape(then: () => void) {
  return (element: HTMLElement) => {
    const keyed = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || event.isComposing || event.defaultPrevented) return;
      event.preventDefault();
      then();
    };
    element.addEventListener("keydown", keyed);
    return () => element.removeEventListener("keydown", keyed);
  };
}
