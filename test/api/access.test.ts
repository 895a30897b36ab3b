import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readToken } from "../../src/api/token.ts";
import { LinnixError } from "../../src/errors.ts";
import { startMadeUp } from "./made-up.ts";

const folder = mkdtempSync(join(tmpdir(), "linnix-access-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function tokenFile(name: string, content: string, mode = 0o600): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

const TOKEN = "0123456789abcdef0123456789abcdef";

/** Sends raw bytes, and returns the status of the answer. */
function raw(url: string, request: string): Promise<number> {
  const { port, hostname } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname.replace(/[[\]]/g, ""), () => socket.write(request));
    socket.once("data", (bytes) => {
      resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(String(bytes))?.[1]));
      socket.destroy();
    });
    socket.once("error", reject);
  });
}

async function codeOf(action: Promise<unknown>): Promise<[code: string, exitCode: number] | undefined> {
  try {
    await action;
    return undefined;
  } catch (error) {
    if (error instanceof LinnixError) return [error.code, error.exitCode];
    throw error;
  }
}

describe("the Host header", () => {
  test("must be a loopback name or address on loopback, which refuses pages after DNS rebinding", async () => {
    await using server = await startMadeUp();
    const status = (host: string) => raw(server.api.url, `GET /status HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    for (const host of [
      "localhost",
      "localhost:8080",
      "LOCALHOST.",
      "a.localhost",
      "127.0.0.1",
      "127.9.9.9:1",
      "[::1]:5",
    ]) {
      expect([host, await status(host)]).toEqual([host, 200]);
    }
    for (const host of [
      "evil.example",
      "localhost.evil.example",
      "10.0.0.1",
      "[2001:db8::1]",
      "127.0.0.1.evil.example",
    ]) {
      expect([host, await status(host)]).toEqual([host, 421]);
    }
    for (const host of ['a"<b', "localhost, evil.example", "user@localhost", "[::1", "", "localhost:65536"]) {
      expect([host, await status(host)]).toEqual([host, 400]);
    }
    expect(await raw(server.api.url, "GET /status HTTP/1.0\r\n\r\n")).toBe(400);
    expect(await raw(server.api.url, "GET /nothing HTTP/1.0\r\n\r\n")).toBe(400);
    expect(await raw(server.api.url, "GET /status HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n")).toBe(
      400,
    );
    expect(await raw(server.api.url, "GET http://evil.example/status HTTP/1.1\r\nHost: localhost\r\n\r\n")).toBe(200);
  });

  test("decides also for a target in absolute form, whose authority the runtime drops", async () => {
    await using server = await startMadeUp();
    const status = (target: string, host = "localhost") =>
      raw(server.api.url, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    for (const target of [
      "http://host/healthz",
      "HTTP://HOST/healthz",
      "http://localhost:3000/readyz",
      "https://host:99/processes?limit=1",
      "http://user:secret@host/status",
      "http://[::1]/metrics",
      "http://host/",
      "http://host",
    ]) {
      expect([target, await status(target)]).toEqual([target, 200]);
    }
    expect(await status("http://host/nothing")).toBe(404);
    expect(await status("http://host/processes?lmit=1")).toBe(400);
    expect(await status("http://localhost/status", "evil.example")).toBe(421);
    expect(await raw(server.api.url, "GET http://host/healthz HTTP/1.0\r\n\r\n")).toBe(200);
    await using guarded = await startMadeUp({ listen: "0.0.0.0:0", tokenFile: tokenFile("absolute", TOKEN) });
    for (const [header, code] of [
      ["", 401],
      [`Authorization: Bearer ${TOKEN}\r\n`, 200],
    ] as const) {
      const request = `GET http://127.0.0.1/status HTTP/1.1\r\nHost: x\r\n${header}\r\n`;
      expect(await raw(guarded.api.url, request)).toBe(code);
    }
  });

  test("may be missing in HTTP/1.0 for a probe, or if a token is needed", async () => {
    await using open = await startMadeUp();
    for (const path of ["/healthz", "/readyz"]) {
      for (const method of ["GET", "HEAD"]) {
        expect([path, await raw(open.api.url, `${method} ${path} HTTP/1.0\r\n\r\n`)]).toEqual([path, 200]);
      }
      expect(await raw(open.api.url, `GET ${path} HTTP/1.0\r\nHost: evil.example\r\n\r\n`)).toBe(421);
    }
    await using guarded = await startMadeUp({ listen: "0.0.0.0:0", tokenFile: tokenFile("http10", TOKEN) });
    const bearer = `Authorization: Bearer ${TOKEN}\r\n`;
    expect(await raw(guarded.api.url, "GET /healthz HTTP/1.0\r\n\r\n")).toBe(200);
    expect(await raw(guarded.api.url, "GET /readyz HTTP/1.0\r\n\r\n")).toBe(401);
    expect(await raw(guarded.api.url, `GET /readyz HTTP/1.0\r\n${bearer}\r\n`)).toBe(200);
    expect(await raw(guarded.api.url, `GET /metrics HTTP/1.0\r\n${bearer}\r\n`)).toBe(200);
  });

  test("may be an IPv6 loopback address", async () => {
    await using server = await startMadeUp({ listen: "[::1]:0" });
    expect((await fetch(server.url("/healthz"))).status).toBe(200);
  });
});

describe("problems", () => {
  test("have their own type, and a hint", async () => {
    await using server = await startMadeUp();
    const asked = async (path: string, init?: RequestInit) => {
      const response = await fetch(server.url(path), init);
      expect(response.headers.get("content-type")).toBe("application/problem+json");
      const body = (await response.json()) as { status: number; detail: string };
      expect(body.status).toBe(response.status);
      return [response.status, body.detail, response.headers.get("allow")] as const;
    };
    expect(await asked("/nothing")).toEqual([404, expect.any(String), null]);
    expect(await asked("/processes/4711")).toEqual([404, expect.stringContaining("4711"), null]);
    expect(await asked("/processes/0x10")).toEqual([400, expect.any(String), null]);
    expect(await asked("/processes/{pid}")).toEqual([400, expect.any(String), null]);
    for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
      expect(await asked("/processes", { method })).toEqual([405, expect.any(String), "GET, HEAD"]);
    }
    const bad = async (query: string) => {
      const [status, detail] = await asked(`/processes?${query}`);
      expect(status).toBe(400);
      return detail;
    };
    expect(await bad("lmit=3")).toContain("Did you mean limit?");
    expect(await bad("sort=name")).toContain("cpu, rss or start");
    expect(await bad("limit=0")).toContain("less than 1");
    expect(await bad("limit=10001")).toContain("more than 10000");
    expect(await bad("limit=1.5")).toContain("whole number");
    expect(await bad("limit=1e3")).toContain("whole number");
    expect(await bad("limit=")).toContain("whole number");
    expect(await bad("limit=1&limit=2")).toContain("more than once");
    expect(await bad("user=")).toContain("empty");
    expect(await bad(`comm=${"x".repeat(65)}`)).toContain("longer than 64");
    expect(await bad("cgroup=system.slice")).toContain("begins with /");
    expect(await bad("__proto__=1")).toContain("no parameter");
    expect((await asked("/status?x"))[0]).toBe(400);
    expect((await asked("/events?types=fork,spoon"))[0]).toBe(400);
    expect((await asked("/events?pid=1,two"))[0]).toBe(400);
    expect((await asked(`/processes?user=${"x".repeat(9000)}`))[0]).toBe(414);
    expect(await raw(server.api.url, `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(20_000)}\r\n\r\n`)).toBe(
      431,
    );
    expect(await raw(server.api.url, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999\r\n\r\n")).toBe(413);
  });
});

describe("bodies", () => {
  test("are limited in size for every method, and the connection closes", async () => {
    await using server = await startMadeUp();
    for (const method of ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]) {
      const head = `${method} /healthz HTTP/1.1\r\nHost: localhost\r\n`;
      expect([method, await raw(server.api.url, `${head}Content-Length: 4097\r\n\r\n`)]).toEqual([method, 413]);
      const chunked = await raw(server.api.url, `${head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`);
      expect([method, chunked]).toEqual([method, 411]);
    }
    const small = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello";
    expect(await raw(server.api.url, small)).toBe(200);
  });

  test("that are refused close the connection, and so does a request without the token", async () => {
    await using server = await startMadeUp({ tokenFile: tokenFile("closing", TOKEN) });
    const { port, hostname } = new URL(server.api.url);
    for (const request of [
      "GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n",
      "GET /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
    ]) {
      const ended = Promise.withResolvers<void>();
      const socket = connect(Number(port), hostname, () => socket.write(request));
      socket.on("data", () => undefined).on("end", ended.resolve);
      await ended.promise;
      socket.destroy();
    }
  });
});

describe("pages of other origins", () => {
  const ask = async (url: string, headers: Record<string, string>) => {
    const abort = new AbortController();
    const { status } = await fetch(url, { headers, signal: abort.signal });
    abort.abort();
    return status;
  };

  test("are refused, and use no place for event streams", async () => {
    await using server = await startMadeUp();
    for (const path of ["/events", "/stream", "/processes", "/status"]) {
      for (const site of ["cross-site", "same-site"]) {
        const foreign = { "Sec-Fetch-Site": site, Origin: "http://evil.example" };
        expect([path, site, await ask(server.url(path), foreign)]).toEqual([path, site, 403]);
        // Headers as for an image or a script.
        expect(await ask(server.url(path), { "Sec-Fetch-Site": site })).toBe(403);
      }
      for (const site of ["same-origin", "none"])
        expect(await ask(server.url(path), { "Sec-Fetch-Site": site })).toBe(200);
      while (server.api.clients > 0) await Bun.sleep(5);
    }
    expect(await ask(server.url("/events"), { Origin: "http://evil.example" })).toBe(403);
    expect(await ask(server.url("/events"), { Origin: new URL(server.api.url).origin })).toBe(200);
  });

  test("may link to answers that end: a link that a user follows is answered", async () => {
    await using server = await startMadeUp();
    const link = { "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document" };
    expect(await ask(server.url("/"), link)).toBe(200);
    expect(await ask(server.url("/events"), link)).toBe(403);
    expect(await ask(server.url("/"), { ...link, "Sec-Fetch-Dest": "iframe" })).toBe(403);
  });

  test("may send requests if allow_origins lists them", async () => {
    await using server = await startMadeUp({ allowOrigins: ["https://dash.example"] });
    const allowed = { "Sec-Fetch-Site": "cross-site", Origin: "https://dash.example" };
    expect(await ask(server.url("/events"), allowed)).toBe(200);
    expect(await ask(server.url("/events"), { ...allowed, Origin: "https://evil.example" })).toBe(403);
  });
});

describe("CORS", () => {
  const origin = "https://dash.example";
  const preflight = { "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization" };

  test("refuses every other origin by default", async () => {
    await using server = await startMadeUp();
    const answer = await fetch(server.url("/status"), { headers: { Origin: origin } });
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    const asked = await fetch(server.url("/status"), { method: "OPTIONS", headers: { Origin: origin, ...preflight } });
    expect(asked.status).toBe(405);
  });

  test("allows only listed origins, also before they have sent a token", async () => {
    const file = tokenFile("cors", TOKEN);
    await using server = await startMadeUp({ allowOrigins: [origin], tokenFile: file });
    const ask = (from: string) =>
      fetch(server.url("/status"), { method: "OPTIONS", headers: { Origin: from, ...preflight } });
    const allowed = await ask(origin);
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get("access-control-allow-origin")).toBe(origin);
    expect(allowed.headers.get("access-control-allow-headers")).toContain("Authorization");
    expect(allowed.headers.get("vary")).toBe("Origin");
    expect((await ask("https://evil.example")).headers.get("access-control-allow-origin")).toBeNull();
    const answer = await fetch(server.url("/status"), {
      headers: { Origin: origin, Authorization: `Bearer ${TOKEN}` },
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("access-control-allow-origin")).toBe(origin);
  });
});

describe("the token", () => {
  test("is needed for all paths except /healthz and the page, also for unknown paths", async () => {
    await using server = await startMadeUp({ tokenFile: tokenFile("good", `${TOKEN}\n`) });
    const status = async (path: string, authorization?: string) =>
      (await fetch(server.url(path), authorization ? { headers: { Authorization: authorization } } : {})).status;
    for (const path of ["/healthz", "/"]) expect([path, await status(path)]).toEqual([path, 200]);
    for (const path of ["/status", "/processes", "/events", "/metrics", "/openapi.json", "/nothing"]) {
      expect([path, await status(path)]).toEqual([path, 401]);
    }
    expect(await status("/status", `Bearer ${TOKEN}`)).toBe(200);
    expect(await status("/status", `bearer ${TOKEN}`)).toBe(200);
    for (const wrong of [
      `Bearer ${TOKEN}x`,
      "Bearer x",
      "Bearer",
      `Basic ${TOKEN}`,
      TOKEN,
      `Bearer ${TOKEN} ${TOKEN}`,
    ]) {
      expect([wrong, await status("/status", wrong)]).toEqual([wrong, 401]);
    }
    const response = await fetch(server.url("/status"));
    expect(response.headers.get("www-authenticate")).toBe('Bearer realm="linnix"');
    expect(await response.text()).not.toContain(TOKEN);
  });

  test("is required at an address that other machines can reach", async () => {
    expect(await codeOf(startMadeUp({ listen: "0.0.0.0:0" }))).toEqual(["usage.api-token-missing", 2]);
    expect(await codeOf(startMadeUp({ listen: "[::]:0" }))).toEqual(["usage.api-token-missing", 2]);
    await using server = await startMadeUp({ listen: "0.0.0.0:0", tokenFile: tokenFile("all", TOKEN) });
    const { port } = new URL(server.api.url);
    const url = `http://127.0.0.1:${port}/status`;
    expect((await fetch(url)).status).toBe(401);
    expect((await fetch(url, { headers: { Authorization: `Bearer ${TOKEN}`, Host: "node1.example" } })).status).toBe(
      200,
    );
  });

  test("is refused from a file that other users can read or change, and if it is invalid", () => {
    const refused = (path: string) => {
      try {
        return readToken(path, {});
      } catch (error) {
        return (error as LinnixError).exitCode === 2 ? "refused" : error;
      }
    };
    expect(readToken(tokenFile("t600", TOKEN), {})).toBe(TOKEN);
    expect(readToken(tokenFile("t640", TOKEN, 0o640), {})).toBe(TOKEN);
    for (const mode of [0o644, 0o604, 0o620, 0o602, 0o666])
      expect(refused(tokenFile("open", TOKEN, mode))).toBe("refused");
    expect(refused(tokenFile("empty", ""))).toBe("refused");
    expect(refused(tokenFile("short", "x".repeat(15)))).toBe("refused");
    expect(readToken(tokenFile("short-enough", "x".repeat(16)), {})).toBe("x".repeat(16));
    expect(() => readToken(tokenFile("short", "x"), {})).toThrow("a token has at least 16 characters");
    expect(refused(tokenFile("two", "two words"))).toBe("refused");
    expect(refused(tokenFile("huge", "x".repeat(5000)))).toBe("refused");
    expect(refused(folder)).toBe("refused");
    const none = join(folder, "none");
    expect(refused(none)).toBe("refused");
    const what = `the token file ${none} cannot be read`;
    expect(() => readToken(none, {})).toThrow(`${what}; there is no such file; make a token file: `);
    expect(() => readToken(join(folder, "t600", "x"), {})).toThrow("; a part of its path is not a directory; make");
    symlinkSync(tokenFile("target", TOKEN), join(folder, "link"));
    expect(readToken(join(folder, "link"), {})).toBe(TOKEN);
  });

  const isRoot = process.geteuid?.() === 0;
  test.skipIf(!isRoot)(
    "in a file that only root can read: the error has a hint for --user (skipped: needs root)",
    () => {
      const file = tokenFile("root-only", TOKEN);
      chmodSync(folder, 0o711);
      process.seteuid?.(65534);
      try {
        expect(() => readToken(file, {})).toThrow("chmod 640");
      } finally {
        process.seteuid?.(0);
      }
    },
  );

  test("in the environment has priority over the file", () => {
    const file = tokenFile("file", TOKEN);
    expect(readToken(file, { LINNIX_API_TOKEN: `other${TOKEN}` })).toBe(`other${TOKEN}`);
    expect(() => readToken(file, { LINNIX_API_TOKEN: "short" })).toThrow("at least 16");
    expect(() => readToken(file, { LINNIX_API_TOKEN: "" })).toThrow("has no valid token");
    expect(readToken(null, {})).toBeNull();
  });

  test("can change at runtime, and stays if the new token cannot be read", async () => {
    const path = tokenFile("changing", TOKEN);
    await using server = await startMadeUp({ tokenFile: path });
    const status = async (token: string) =>
      (await fetch(server.url("/status"), { headers: { Authorization: `Bearer ${token}` } })).status;
    const changes = { tokenFile: path, allowOrigins: [], maxClients: 1, heartbeatMs: 1000, cpuBudgetPct: 5 };
    expect(server.api.reconfigure(changes)).toBe(false);
    tokenFile("changing", `another${TOKEN}`);
    expect(server.api.reconfigure(changes)).toBe(true);
    expect([await status(TOKEN), await status(`another${TOKEN}`)]).toEqual([401, 200]);
    rmSync(path);
    expect(() => server.api.reconfigure(changes)).toThrow(LinnixError);
    expect(await status(`another${TOKEN}`)).toBe(200);
    expect(server.api.reconfigure({ ...changes, tokenFile: null })).toBe(true);
    expect(server.api.reconfigure({ ...changes, tokenFile: null })).toBe(false);
  });
});

describe("the listen address", () => {
  test("is refused if the port is in use or the address is invalid", async () => {
    await using server = await startMadeUp();
    const { host } = new URL(server.api.url);
    expect(await codeOf(startMadeUp({ listen: host }))).toEqual(["cannot-run.listen", 3]);
    expect(await codeOf(startMadeUp({ listen: "[2001:db8::1]:0", tokenFile: tokenFile("v6", TOKEN) }))).toEqual([
      "cannot-run.listen",
      3,
    ]);
    for (const listen of ["example.org:80", "127.0.0.1", "127.0.0.1:70000", "unix:relative", "[::1%lo]:80", ":80"]) {
      expect([listen, await codeOf(startMadeUp({ listen }))]).toEqual([listen, ["usage.listen-address", 2]]);
    }
  });
});
