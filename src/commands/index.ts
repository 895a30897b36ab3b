import type { Command } from "./command.ts";

/** A command's name and what its help begins with; its module is loaded when it is asked for. */
export interface CommandEntry {
  name: string;
  aliases?: readonly string[];
  description: string;
  load: () => Promise<Command>;
  /** Whether it runs for long and is to cost little: {@link settleRuntime}. */
  collects?: true;
}

/** Every command, one entry each. A name that begins with `__` is the program's own business, and in no list or help. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "collect",
    description: "watch every process of this machine: fork, exec, exit, CPU and memory",
    load: async () => (await import("./collect.ts")).collect,
    collects: true,
  },
  {
    name: "top",
    description: "live full-screen view: processes, tree, groups, and what ends too soon for top",
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
    description: "the same workload under ps, top, /proc, strace, auditd and linnix",
    load: async () => (await import("./compare.ts")).compare,
  },
  {
    name: "doctor",
    description: "what this machine has and lacks for linnix, and how to fix what is missing",
    load: async () => (await import("./doctor.ts")).doctor,
  },
  {
    name: "__collect",
    description: "collect, with probes that can be taken off and put back on",
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
    name: "__supervise",
    description: "run a program, and end all that it has started",
    load: async () => (await import("./internal.ts")).internalSupervise,
  },
  {
    name: "__workload",
    description: "spawn a paced workload and tell its ground truth",
    load: async () => (await import("./internal.ts")).internalWorkload,
  },
];

/** The command of that name or alias. */
export function findCommand(name: string): CommandEntry | undefined {
  return COMMANDS.find((entry) => entry.name === name || entry.aliases?.includes(name));
}

/** The commands that users are told about. */
export function listedCommands(): readonly CommandEntry[] {
  return COMMANDS.filter(({ name }) => !isInternal(name));
}

/** Whether a command is one that linnix runs itself with, such as a workload of its own. */
export function isInternal(name: string): boolean {
  return name.startsWith("__");
}
