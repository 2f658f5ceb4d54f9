/** Every run that there is, the newest first. */

import { http, ok, type Shapes } from "$/api/client";

class Runs {
  list = $state.raw<Shapes["RunOut"][]>([]);

  async read(): Promise<void> {
    this.list = await ok(http.GET("/api/runs")).catch(() => this.list);
  }
}

export const runs = new Runs();
