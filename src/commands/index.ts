import type { Command } from "./command.ts";

/** A command's name and the first line of its help. Its module is loaded when the command is run. */
export interface CommandEntry {
  name: string;
  aliases?: readonly string[];
  description: string;
  load: () => Promise<Command>;
  /** Whether the command runs for a long time and must cost little. If so, `main.ts` calls `settleRuntime` first. */
  collects?: true;
}

/** All commands. A name that begins with `__` is internal: no list or help shows it. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "collect",
    description: "watch every process: fork, exec, exit, CPU and memory",
    load: async () => (await import("./collect.ts")).collect,
    collects: true,
  },
  {
    name: "top",
    description: "show a live view, short-lived processes included",
    load: async () => (await import("./top.ts")).top,
    collects: true,
  },
  {
    name: "overhead-test",
    aliases: ["test"],
    description: "prove (or disprove) that watching costs less than 1 % of a core",
    load: async () => (await import("./overhead-test.ts")).overheadTest,
  },
  {
    name: "compare-with-polling",
    aliases: ["compare"],
    description: "compare ps, top, strace, auditd, linnix and others on one workload",
    load: async () => (await import("./compare.ts")).compare,
  },
  {
    name: "doctor",
    description: "check what this machine supports and how to fix what is missing",
    load: async () => (await import("./doctor.ts")).doctor,
  },
  {
    name: "__collect",
    description: "collect, with probes that can be detached and attached again",
    load: async () => (await import("./internal-collect.ts")).internalCollect,
    collects: true,
  },
  {
    name: "__observer",
    description: "watch by one method, for compare-with-polling",
    load: async () => (await import("./internal.ts")).internalObserver,
  },
  {
    name: "__spawn-timer",
    description: "time spawns, for compare-with-polling",
    load: async () => (await import("./internal.ts")).internalSpawnTimer,
  },
  {
    name: "__storm",
    description: "make processes as fast as possible, for overhead-test --storm",
    load: async () => (await import("./internal.ts")).internalStorm,
  },
  {
    name: "__supervise",
    description: "run a program, and end every process that it started",
    load: async () => (await import("./internal.ts")).internalSupervise,
  },
  {
    name: "__workload",
    description: "spawn a paced workload and report its ground truth",
    load: async () => (await import("./internal.ts")).internalWorkload,
  },
];

/** The command of that name or alias. */
export function findCommand(name: string): CommandEntry | undefined {
  return COMMANDS.find((entry) => entry.name === name || entry.aliases?.includes(name));
}

/** The commands that the help lists. */
export function listedCommands(): readonly CommandEntry[] {
  return COMMANDS.filter(({ name }) => !isInternal(name));
}

/** Whether only linnix itself runs this command, for example for a workload. */
export function isInternal(name: string): boolean {
  return name.startsWith("__");
}
