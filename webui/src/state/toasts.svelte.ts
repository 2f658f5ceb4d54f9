/** Quiet notices at the foot of the page, never over the text; an error stays until dismissed. */

export interface Toast {
  id: number;
  kind: "told" | "error";
  sentence: string;
  action?: { label: string; run: () => void };
}

class Toasts {
  list = $state<Toast[]>([]);
  #next = 1;

  show(toast: Omit<Toast, "id">, ms = toast.kind === "error" || toast.action ? 0 : 4000): void {
    const id = this.#next++;
    this.list.push({ ...toast, id });
    if (ms > 0) setTimeout(() => this.dismiss(id), ms);
  }

  told(sentence: string): void {
    this.show({ kind: "told", sentence });
  }

  error(cause: unknown): void {
    this.show({ kind: "error", sentence: cause instanceof Error ? cause.message : String(cause) });
  }

  dismiss(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }
}

export const toasts = new Toasts();
