/**
 * bun scripts/house.ts            checks the house rules against the budget; fails where a count is above it
 * bun scripts/house.ts --update   lowers the budget to the current counts; a count never rises
 * bun scripts/house.ts --list     prints every counted place
 *
 * Rules: no circular imports between files or folders, only imports of lower layers, `bun:ffi` only in src/sys and
 * src/bpf, and no words that the language rules exclude.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { circles, type ImportGraph } from "./import-circles.ts";
import { wordsIn } from "./words.ts";

const ROOT = join(import.meta.dir, "..");
const BUDGET = join(ROOT, "scripts/house-budget.json");

interface Count {
  count: number;
  places: string[];
}

/** Files that git tracks or would track, without generated ones. */
function filesOf(...patterns: string[]): string[] {
  const args = ["ls-files", "--cached", "--others", "--exclude-standard", "--", ...patterns];
  return execFileSync("git", args, { cwd: ROOT, encoding: "utf8" })
    .split("\n")
    .filter((path) => path !== "" && !path.includes(".gen.") && existsSync(join(ROOT, path)));
}

/** The folders and files of src, lowest layer first. A folder imports nothing from its own or a later line. */
const LAYERS: readonly (readonly string[])[] = [
  ["errors.ts", "licences.ts", "json", "stats", "regexp", "wire"],
  ["version.ts", "ring", "sys"],
  ["config", "procfs", "workload", "floor.ts"],
  ["bpf", "measure", "report"],
  ["cgroup"],
  ["process", "probes"],
  ["sampling", "sinks", "totals"],
  ["groups"],
  ["api", "observers"],
  ["doctor"],
  ["collect", "overhead"],
  ["compare", "top"],
  ["page"],
  ["commands"],
  ["main.ts"],
];

const IMPORT = /^\s*(?:import|export)\b[^;]*?\bfrom\s+"(\.[^"]+)"|\bimport\(\s*"(\.[^"]+)"\s*\)/gm;

/** The imports of each file of src, including imports of types. */
function importsOf(files: readonly string[]): ImportGraph {
  const graph: ImportGraph = new Map();
  for (const file of files) {
    const text = readFileSync(join(ROOT, file), "utf8");
    const targets = Array.from(text.matchAll(IMPORT), ([, from, dynamic]) =>
      join(dirname(file), from ?? dynamic ?? ""),
    );
    graph.set(file, new Set(targets.filter((target) => target.startsWith("src/") && !target.includes(".gen."))));
  }
  return graph;
}

/** The imports between folders. A file directly in src counts as a folder. */
function foldersOf(graph: ImportGraph): ImportGraph {
  const folderOf = (file: string): string =>
    file.split("/").length > 2 ? file.split("/").slice(0, 2).join("/") : file;
  const folders: ImportGraph = new Map();
  for (const [file, targets] of graph) {
    const from = folderOf(file);
    const known = folders.get(from) ?? new Set();
    for (const target of targets) if (folderOf(target) !== from) known.add(folderOf(target));
    folders.set(from, known);
  }
  return folders;
}

/** Imports of a folder from a folder of the same or a higher layer. */
function upwardImports(folders: ImportGraph): Count {
  const layerOf = (path: string): number => {
    const layer = LAYERS.findIndex((names) => names.includes(path.slice("src/".length)));
    if (layer === -1) throw new Error(`${path} stands in no layer: add it to LAYERS of scripts/house.ts`);
    return layer;
  };
  const places = [...folders].flatMap(([from, targets]) =>
    [...targets].filter((target) => layerOf(target) >= layerOf(from)).map((target) => `${from} -> ${target}`),
  );
  return { count: places.length, places };
}

/** Files outside of src/sys and src/bpf that call native functions themselves. */
function nativeCalls(files: readonly string[]): Count {
  const places = files.filter(
    (file) => !/^src\/(?:sys|bpf)\//.test(file) && readFileSync(join(ROOT, file), "utf8").includes('"bun:ffi"'),
  );
  return { count: places.length, places };
}

function circlesOf(graph: ImportGraph): Count {
  const found = circles(graph);
  return {
    count: found.reduce((sum, circle) => sum + circle.length, 0),
    places: found.map((circle) => circle.join(", ")),
  };
}

function excludedWords(): Count {
  const places = filesOf(
    "src/*",
    "bpf/*",
    "docs/*.md",
    "docs/*.toml",
    "docs/*.service",
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "test/*.ts",
  ).flatMap((path) =>
    wordsIn(readFileSync(join(ROOT, path), "utf8"), path).map(({ line, word }) => `${path}:${line}: ${word}`),
  );
  return { count: places.length, places };
}

function main(mode: string | undefined): void {
  const files = filesOf("src/*.ts");
  const graph = importsOf(files);
  const counts: Record<string, Count> = {
    files_in_import_circles: circlesOf(graph),
    folders_in_import_circles: circlesOf(foldersOf(graph)),
    upward_imports: upwardImports(foldersOf(graph)),
    native_calls_elsewhere: nativeCalls(files),
    excluded_words: excludedWords(),
  };
  const budget: Record<string, number> = existsSync(BUDGET) ? JSON.parse(readFileSync(BUDGET, "utf8")) : {};
  for (const [name, { count, places }] of Object.entries(counts)) {
    if (mode === "--list") console.log([`${name}: ${count}`, ...places.map((place) => `  ${place}`)].join("\n"));
    const most = budget[name] ?? Number.POSITIVE_INFINITY;
    if (count <= most) continue;
    console.error(`house: ${name} is ${count}, and may be ${most}: bun scripts/house.ts --list shows each place`);
    process.exitCode = 1;
  }
  if (mode !== "--update" || process.exitCode === 1) return;
  const lowered = Object.fromEntries(Object.entries(counts).map(([name, { count }]) => [name, count]));
  writeFileSync(BUDGET, `${JSON.stringify(lowered, null, 2)}\n`);
}

main(process.argv[2]);
