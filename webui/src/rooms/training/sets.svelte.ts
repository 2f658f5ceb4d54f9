/** The data sets that there are, and their cards. */

import { http, ok } from "$/api/client";
import type { Card } from "./card";

class Sets {
  cards = $state.raw<Card[]>([]);

  async read(): Promise<void> {
    this.cards = (await ok(http.GET("/api/datasets")).catch(() => [])) as unknown as Card[];
  }

  get(name: string | null): Card | null {
    return this.cards.find((card) => card.name === name) ?? null;
  }

  async remove(name: string): Promise<void> {
    await ok(http.DELETE("/api/datasets/{name}", { params: { path: { name } } }));
    await this.read();
  }
}

export const sets = new Sets();
