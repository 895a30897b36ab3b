import { expect, test } from "bun:test";
import { constants } from "node:os";
import { NativeError } from "../../src/sys/errno.ts";
import { hintOf, refusalCode, refusalHint } from "../../src/sys/refusal.ts";

test("refusalCode finds the errno of an error in its code, its cause or its text", () => {
  expect(refusalCode(Object.assign(new Error("open"), { code: "EROFS" }))).toBe("EROFS");
  expect(refusalCode(new Error("x", { cause: new NativeError("bpf", constants.errno.EPERM) }))).toBe("EPERM");
  expect(refusalCode(new Error("lib.so: cannot open shared object file: Too many open files"))).toBe("EMFILE");
  expect(refusalCode(new Error("lib.so: failed to map segment from shared object"))).toBe("ENOMEM");
  expect(refusalCode(new RangeError("Out of memory"))).toBe("ENOMEM");
  for (const own of [
    new Error("oops"),
    new Error("the peer is out of memory"),
    Object.assign(new Error("x"), { code: "ERR_INVALID_ARG_TYPE" }),
    null,
    "text",
  ]) {
    expect(refusalCode(own)).toBeNull();
  }
});

test.each([
  ["EMFILE", "ulimit -n"],
  ["ENFILE", "fs.file-max"],
  ["EFBIG", "LimitFSIZE="],
  ["ENOMEM", "ulimit -v"],
  ["ENOMEM", "LimitDATA="],
  ["EAGAIN", "TasksMax="],
  ["ENOSPC", "free some space"],
  ["EROFS", "read-only"],
])("the hint for %s names %s", (code, words) => {
  expect(refusalHint(code)).toContain(words);
});

test("EAGAIN of bpf(2) has a hint about signals, not about the limit of processes", () => {
  const { EAGAIN, ENOMEM, ENOSPC } = constants.errno;
  const interrupted = new Error("not loaded", { cause: new NativeError("bpf_object__load", EAGAIN) });
  expect(hintOf(interrupted)).toContain("signals interrupt");
  expect(hintOf(interrupted)).not.toContain("ulimit");
  // Here ENOSPC means that the verifier's log was too short, not a full disk.
  expect(hintOf(new NativeError("bpf_prog_load", ENOSPC))).toBeNull();
  expect(hintOf(new NativeError("loading a BPF object", ENOMEM))).toContain("MemoryMax=");
  expect(hintOf(new NativeError("posix_spawn", EAGAIN))).toContain("TasksMax=");
  expect(hintOf(new Error("oops"))).toBeNull();
});
