/** Random requests, whose answers are checked against the description of the API. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { Prng } from "../../src/stats/prng.ts";
import { Description } from "./description.ts";
import { startMadeUp } from "./made-up.ts";

setDefaultTimeout(300_000);

/** Number of requests; the full test: `LINNIX_TEST_REQUESTS=4000 bun test test/api/random-requests.test.ts`. */
const REQUESTS = Number(process.env.LINNIX_TEST_REQUESTS ?? 4_000);
const SEED = Number(process.env.LINNIX_TEST_SEED ?? Date.now() % 2 ** 31);

const ROUTES = [
  "/",
  "/healthz",
  "/readyz",
  "/status",
  "/processes",
  "/commands",
  "/metrics",
  "/openapi.json",
  "/events",
  "/stream",
];
const PIDS = ["1", "10", "20", "self", "0", "-1", "4194304", "99999999", "01", "1.0", "%31", "9".repeat(30)];
const GOOD: Record<string, string[]> = {
  sort: ["cpu", "rss", "start"],
  limit: ["1", "10", "1000", "10000"],
  user: ["root", "0", "www-data", "65534"],
  cgroup: ["/", "/system.slice", "/x"],
  comm: ["bash", "cron", "x"],
  types: ["fork", "exec,exit", "sample", "lost,degraded", "page_fault"],
  pid: ["1", "1,2,3", "4194304"],
};
const NAMES = [...Object.keys(GOOD), "foo", "Sort", "constructor", "toString", "__proto__", ""];
const ODD = ["", "-1", "1e9", "NaN", "null", "[]", "\0", "%", "..", "//", "a,b", ",", "😀", "\u202e", "x".repeat(300)];
const HEADERS: [name: string, values: string[]][] = [
  ["accept", ["text/html", "*/*", "application/openmetrics-text", "application/json;q=0.1", "garbage;;;q=zz", ""]],
  ["last-event-id", ["abc", "-1", "1", "99999999999999999999", "deadbeef-1", "x".repeat(2000)]],
  ["origin", ["http://evil.example", "null"]],
  ["sec-fetch-site", ["cross-site", "same-origin", "none", "?"]],
  ["accept-encoding", ["gzip", "br, zstd"]],
  ["content-length", ["0", "5000"]],
];

class Requests {
  readonly #prng: Prng;

  constructor(seed: number) {
    this.#prng = new Prng(seed);
  }

  next() {
    const route = this.#oneOf(5) ? this.#pick(["/processes/{pid}", "/graph/{pid}"]) : this.#pick(ROUTES);
    const pairs = Array.from({ length: this.#prng.index(4) }, () => this.#parameter());
    const path = route.replace("{pid}", this.#oneOf(4) ? this.#bytes() : this.#pick(PIDS));
    const query = pairs.map(([name, value]) => `${encodeURIComponent(name)}=${value}`).join("&");
    const method = this.#oneOf(4) ? this.#pick(["HEAD", "POST", "PUT", "OPTIONS", "DELETE"]) : "GET";
    const headers = HEADERS.filter(() => this.#oneOf(4)).map(([name, values]) => `${name}: ${this.#pick(values)}\r\n`);
    return { route, method, target: query ? `${path}?${query}` : path, headers: headers.join("") };
  }

  #parameter(): [string, string] {
    const name = this.#pick(NAMES);
    if (this.#oneOf(4)) return [name, this.#bytes()];
    const value = this.#oneOf(3) ? this.#pick(ODD) : this.#pick(GOOD[name] ?? ODD);
    return [name, encodeURIComponent(value)];
  }

  /** Any bytes, encoded. */
  #bytes(): string {
    const byte = () => `%${this.#prng.index(256).toString(16).padStart(2, "0")}`;
    return Array.from({ length: 1 + this.#prng.index(10) }, byte).join("");
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#prng.index(items.length)] as T;
  }

  #oneOf(n: number): boolean {
    return this.#prng.index(n) === 0;
  }
}

/** Sends one raw request, and reads its answer; of an event stream only the beginning. */
async function ask(url: URL, { method, target, headers }: ReturnType<Requests["next"]>): Promise<Response> {
  const ended = Promise.withResolvers<void>();
  let text = "";
  const isStream = () => /^content-type: text\/event-stream/im.test(text);
  const socket = await Bun.connect({
    hostname: url.hostname,
    port: Number(url.port),
    socket: {
      data(_socket, bytes) {
        text += bytes.toString("latin1");
        if (isStream()) ended.resolve();
      },
      close: () => ended.resolve(),
      error: () => ended.resolve(),
    },
  });
  socket.write(`${method} ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${headers}\r\n`);
  await ended.promise;
  socket.terminate();
  const [head = "", ...rest] = text.split("\r\n\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]);
  const type = /^content-type: (.*)$/im.exec(head)?.[1];
  const body = Buffer.from(rest.join("\r\n\r\n"), "latin1");
  return new Response(status === 204 ? null : body, { status, headers: type ? { "content-type": type } : {} });
}

test(`${REQUESTS} random requests have answers that match the API description (seed ${SEED}, of LINNIX_TEST_SEED)`, async () => {
  await using server = await startMadeUp({ cpuBudgetPct: 0 });
  const url = new URL(server.api.url);
  const description = await Description.of(await fetch(server.url("/openapi.json")));
  const { paths } = description.document;
  const requests = new Requests(SEED);
  const statuses = new Set<number>();
  for (let i = 0; i < REQUESTS; i++) {
    const request = requests.next();
    const response = await ask(url, request);
    const { status } = response;
    statuses.add(status);
    const where = `${request.method} ${request.target} ${JSON.stringify(request.headers)}: ${status}`;
    expect([where, status >= 500]).toEqual([where, false]);
    const method = request.method.toLowerCase();
    const responses = paths[request.route]?.[method]?.responses;
    if (responses === undefined) {
      expect([where, [400, 403, 404, 405, 411, 413, 421].includes(status)]).toEqual([where, true]);
    } else if (request.target.includes("..") || status === 404) {
      // By the rules of URLs, this is another path.
    } else {
      expect([where, Object.keys(responses)]).toEqual([where, expect.arrayContaining([String(status)])]);
      const isBare = method === "head" || response.headers.get("content-type") === null;
      if (!isBare) expect([where, await description.problems(response, request.route)]).toEqual([where, []]);
    }
  }
  // The requests cause more than one kind of answer.
  for (const status of [200, 400, 403, 405, 413]) expect(statuses).toContain(status);
  while (server.api.clients > 0) await Bun.sleep(5);
});
