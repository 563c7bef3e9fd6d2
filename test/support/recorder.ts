// HTTP over a backend that records what it is asked and answers what a test wants.
//
//   const { server, url } = serveRecorder(); beforeEach(renew); afterAll(() => server.stop(0));
import { expect } from "bun:test";
import { connect } from "node:net";
import { systemClock } from "../../src/base/clock.ts";
import { InputError } from "../../src/base/errors.ts";
import type { RunOptions } from "../../src/db/sessions.ts";
import type { WriteOutcome, WriteTarget } from "../../src/db/stored.ts";
import { Users } from "../../src/db/users.ts";
import type { Backend } from "../../src/http/backend.ts";
import type { ResultSeries } from "../../src/query/result.ts";
import { serve } from "../../src/server.ts";
import { MemoryDisk } from "../disk/memory.ts";

export const stored: WriteOutcome = { rows: 1, dropped: 0, errors: [], partial: false };

class Recorder implements Backend {
  readonly users = new Users(new MemoryDisk(), "/users", systemClock, () => true);
  writes: { kind: string; text: string; target: WriteTarget }[] = [];
  queries: { text: string; options: RunOptions }[] = [];
  onWrite: () => Promise<WriteOutcome> = async () => stored;
  onQuery: (signal: RunOptions["signal"]) => AsyncGenerator<ResultSeries> = async function* () {};
  status: "pass" | "fail" = "pass";

  writeLines(bytes: Uint8Array | string, target: WriteTarget) {
    this.writes.push({ kind: "lines", text: String(Buffer.from(bytes as Uint8Array)), target });
    return this.onWrite();
  }
  writeJson(bytes: Uint8Array | string, target: WriteTarget) {
    this.writes.push({ kind: "json", text: String(Buffer.from(bytes as Uint8Array)), target });
    return this.onWrite();
  }
  run(text: string, options: RunOptions) {
    this.queries.push({ text, options });
    if (text === "BAD") throw new InputError("error parsing query: found BAD at line 1, char 1");
    return this.#results(options.signal);
  }
  async *#results(signal: RunOptions["signal"]) {
    yield { statementId: 0, messages: [], series: this.onQuery(signal) };
  }
  health() {
    return { status: this.status, message: "told so", checks: [] };
  }
  metrics() {
    const labels = { store: 'p"0' };
    return [{ name: "serie_rows_total", help: "Rows.", type: "counter" as const, value: 3, labels }];
  }
}

/** The backend of the test that runs. */
export let db = new Recorder();

export function renew(): void {
  db = new Recorder();
}

export const live: Backend = {
  writeLines: (bytes, target) => db.writeLines(bytes, target),
  writeJson: (bytes, target) => db.writeJson(bytes, target),
  run: (text, options = {}) => db.run(text, options),
  health: () => db.health(),
  metrics: () => db.metrics(),
  users: db.users,
};

export function serveRecorder() {
  const server = serve(live, { port: 0, maxBodySize: 100_000, maxInflightSize: "1MiB" });
  const { url } = server;

  /** Sends bytes as they are, resolves with everything that came back until the connection closed. */
  function exchange(...pieces: string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      let answer = "";
      const socket = connect(server.port, "127.0.0.1", () => {
        for (const piece of pieces) socket.write(piece);
      });
      socket.setEncoding("utf8");
      socket.on("data", (data) => {
        answer += data;
      });
      socket.on("close", () => resolve(answer));
      socket.on("error", reject);
    });
  }

  const write = (
    query: string,
    body: string | Uint8Array<ArrayBuffer> | ReadableStream = "m f=1",
    init: RequestInit = {},
  ) => fetch(`${url}/write?${query}`, { method: "POST", body, ...init });

  return { server, url, exchange, write };
}

export async function errorOf(response: Response): Promise<string> {
  expect(response.headers.get("content-type")).toContain("application/json");
  const text = await response.text();
  expect(text.endsWith("\n")).toBe(true);
  const { error } = JSON.parse(text);
  expect(response.headers.get("x-influxdb-error")).toBeString();
  return error;
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
export const jsonOf = async (response: Response): Promise<any> => await response.json();
