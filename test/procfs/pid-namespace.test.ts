import { describe, expect, test } from "bun:test";
import { INITIAL_PID_NAMESPACE, type ProcReader, readPidNamespace } from "../../src/procfs/pid-namespace.ts";

const OWN = "pid:[4026532177]";
const ABOVE = "pid:[4026532170]";
/** proc_pid_stat(5): flags are the ninth field. */
const KTHREADD = "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 2 0 0";
const PROGRAM = "2 (a) b) S 1 2 1 34816 2 4194304 0 0 0 0 0 0 0 0 20 0 1 0 2 0 0";

function proc(links: Record<string, string>, texts: Record<string, string> = {}): ProcReader {
  return { link: (path) => links[path] ?? null, text: (path) => texts[path] ?? null };
}

describe("the pid namespace of /proc", () => {
  const cases: [title: string, reader: ProcReader, isInitial: boolean, proc: "initial" | "own" | "other"][] = [
    [
      "in the initial namespace: the kernel's",
      proc({ "/proc/self": "7", "/proc/self/ns/pid": INITIAL_PID_NAMESPACE }),
      true,
      "initial",
    ],
    [
      "in a container: its own",
      proc({ "/proc/self": "7", "/proc/self/ns/pid": OWN, "/proc/1/ns/pid": OWN }, { "/proc/2/stat": PROGRAM }),
      false,
      "own",
    ],
    [
      "in a container, without the right to look at its first process: its own",
      proc({ "/proc/self": "7", "/proc/self/ns/pid": OWN }),
      false,
      "own",
    ],
    [
      "with the /proc of the host: the kernel's",
      proc({ "/proc/self": "812", "/proc/self/ns/pid": OWN, "/proc/1/ns/pid": INITIAL_PID_NAMESPACE }),
      false,
      "initial",
    ],
    [
      "with the /proc of the host, and no right to look at its first process: the kernel's, as it has kernel threads",
      proc({ "/proc/self": "812", "/proc/self/ns/pid": OWN }, { "/proc/2/stat": KTHREADD }),
      false,
      "initial",
    ],
    [
      "with the /proc of a namespace in between: neither",
      proc({ "/proc/self": "42", "/proc/self/ns/pid": OWN, "/proc/1/ns/pid": ABOVE }),
      false,
      "other",
    ],
    [
      "with one in between where it happens to have the same pid: neither",
      proc({ "/proc/self": "7", "/proc/self/ns/pid": OWN, "/proc/1/ns/pid": ABOVE }),
      false,
      "other",
    ],
    [
      "with the /proc of a namespace below, which does not have this process: neither",
      proc({ "/proc/1/ns/pid": OWN }),
      false,
      "other",
    ],
    [
      "on a kernel without pid namespaces: the kernel's",
      proc({ "/proc/self": "7", "/proc/self/ns/mnt": "mnt:[4026531840]" }),
      true,
      "initial",
    ],
  ];
  for (const [title, reader, isInitial, whose] of cases) {
    test(title, () => expect(readPidNamespace(reader, 7)).toEqual({ isInitial, proc: whose }));
  }
});
