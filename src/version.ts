import { commit, modified } from "../.build/build-info.json";
import { version } from "../package.json";
import { COMPONENTS } from "./licences.ts";

/** Version of linnix, from package.json. */
export const VERSION: string = version;

/** What `--version` prints: one line, `linnix 1.2.3`. */
export function versionText(): string {
  return `linnix ${VERSION}`;
}

/** What `--version --verbose` prints: the commit, and what is embedded, in which version, under which licence. */
export function verboseVersionText(): string {
  const source = commit === null ? "unknown" : `${commit}${modified ? " and changes that are in no commit" : ""}`;
  const rows = COMPONENTS.map(({ name, version, licence }) => [name, version ?? "unknown", licence] as const);
  const nameWidth = Math.max(...rows.map(([name]) => name.length));
  const versionWidth = Math.max(...rows.map(([, version]) => version.length));
  return [
    versionText(),
    `commit   ${source}`,
    "licence  MIT; its BPF programs MIT OR GPL-2.0-only",
    "",
    "embedded:",
    ...rows.map(
      ([name, version, licence]) => `  ${name.padEnd(nameWidth)}  ${version.padEnd(versionWidth)}  ${licence}`,
    ),
  ].join("\n");
}
