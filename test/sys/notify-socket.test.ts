import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { notifyManager } from "../../src/sys/notify-socket.ts";

test("notifyManager throws for a path that is no socket or has no receiver", () => {
  expect(() => notifyManager("relative/path", "READY=1")).toThrow("is not a Unix socket");
  expect(() => notifyManager(`/${"x".repeat(200)}`, "READY=1")).toThrow("is too long for a Unix socket");
  expect(() => notifyManager("/nowhere/notify", "READY=1")).toThrow("ENOENT");
  expect(() => notifyManager("@linnix-test-nobody", "READY=1")).toThrow("ECONNREFUSED");
});

test("a failed notifyManager leaks no descriptor", () => {
  const before = readdirSync("/proc/self/fd").length;
  for (let i = 0; i < 20; i++) expect(() => notifyManager("@linnix-test-nobody", "READY=1")).toThrow();
  expect(readdirSync("/proc/self/fd").length).toBe(before);
});
