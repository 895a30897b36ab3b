/**
 * The programs and maps that a collector loads into this kernel, as Markdown tables for bpf/README.md. Programs: size
 * of the machine code, and instructions that the verifier processed. Maps: entries and memory.
 *
 *   sudo bun bench/verifier.ts [OPTION...]       options of `linnix collect`, such as --backend tracepoint
 */
import { release } from "node:os";
import { join } from "node:path";
import { readHeldBpf } from "../src/bpf/bpf-held.ts";
import { readPrograms } from "../src/bpf/bpf-programs.ts";

const LINNIX = process.env.LINNIX ?? join(import.meta.dir, "../dist/linnix");
const MORE = process.argv.slice(2);

interface MapInfo {
  id: number;
  name?: string;
  type: string;
  max_entries: number;
  bytes_memlock?: number;
}

const child = Bun.spawn([LINNIX, "collect", "--format", "none", ...MORE], { stdio: ["ignore", "ignore", "pipe"] });
try {
  const reader = child.stderr.getReader();
  let text = "";
  while (!text.includes("watching by")) {
    const { value, done } = await reader.read();
    if (done) throw new Error(text);
    text += new TextDecoder().decode(value);
  }
  const held = readHeldBpf(child.pid);
  const programs = [...readPrograms(held.programIds).values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  console.log(`Linux ${release()}, \`linnix collect ${MORE.join(" ")}\`\n`);
  console.log("| program | machine code, bytes | instructions verified |\n|---|---:|---:|");
  for (const { name, jitedBytes, verifiedInstructions } of programs) {
    console.log(`| \`${name}\` | ${jitedBytes} | ${verifiedInstructions ?? "unknown"} |`);
  }
  const shown = Bun.spawnSync(["bpftool", "--json", "map", "show"]);
  const wanted = new Set(programs.flatMap(({ mapIds }) => mapIds));
  const maps = (JSON.parse(shown.stdout.toString()) as MapInfo[]).filter(({ id }) => wanted.has(id));
  console.log("\n| map | type | entries | memory, bytes |\n|---|---|---:|---:|");
  for (const { name, type, max_entries, bytes_memlock } of maps.sort((a, b) =>
    (a.name ?? "").localeCompare(b.name ?? ""),
  )) {
    console.log(`| \`${name ?? ""}\` | ${type} | ${max_entries} | ${bytes_memlock ?? "unknown"} |`);
  }
} finally {
  child.kill("SIGTERM");
  await child.exited;
}
